"""Words that mean the opposite of each other, in English, German and Chinese."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from hybridrag.answering.wording import stem_of

_OPPOSITES = (
    ("allow allowed permit permitted erlaubt gestattet zulässig 允许", "forbid forbidden prohibit prohibited disallow "
     "disallowed ban banned verboten untersagt unzulässig 禁止"),
    ("before prior vor vorher 之前", "after following nach nachher danach 之后"),
    ("minimum min least mindestens mindest 最小 最低 至少",
     "maximum max most limited capped höchstens maximal begrenzt 最大 最高 至多 最多"),
    ("increase increased rise rose raise raised grow grew higher erhöhen erhöht steigen stieg gestiegen 增加 上升 提高",
     "decrease decreased decline declined fall fell reduce reduced drop dropped lower senken gesenkt sinken sank "
     "gesunken verringern 减少 下降 降低"),
    ("always immer stets 总是",
     "never nie niemals sometimes occasionally rarely exceptional ausnahmsweise manchmal 从不"),
    ("all every alle jeder 所有", "none no keine keiner"),
    ("enable enabled aktiviert aktivieren eingeschaltet 启用", "disable disabled off deaktiviert ausgeschaltet 禁用"),
    ("required mandatory obligatory erforderlich verpflichtend vorgeschrieben 必须",
     "optional voluntary freiwillig 可选"),
    ("include includes included including einschließlich inbegriffen",
     "exclude excludes excluded excluding ausgeschlossen "
     "ausgenommen"),
    ("more mehr 多于", "less fewer weniger 少于"),
    ("above over exceed exceeds über oberhalb 高于", "below under unter unterhalb 低于"),
    ("first erste ersten erster", "last letzte letzten letzter final"),
    ("early earlier earliest früh früher", "late later latest spät später"),
    ("fast faster fastest quick quicker schnell schneller", "slow slower slowest langsam langsamer"),
    ("large larger largest big bigger biggest groß größer größte", "small smaller smallest klein kleiner kleinste"),
    ("high hoch höher", "low niedrig niedriger"),
    ("long longer longest lang länger", "short shorter shortest kurz kürzer"),
    ("best better besser beste", "worst worse schlechter schlechteste"),
    ("win won beat gewann gewonnen", "lose lost verlor verloren"),
    ("accept accepted accepts akzeptiert angenommen", "reject rejected rejects refuse refused abgelehnt"),
    ("start started begin began begins beginnt begann", "end ended ends finish finished stop stopped endet endete"),
    ("open opened opens offen geöffnet", "close closed closes shut geschlossen"),
    ("internal intern interne", "external extern externe"),
    ("public öffentlich", "private privat confidential vertraulich"),
    ("safe secure sicher", "unsafe insecure dangerous unsicher gefährlich"),
    ("true wahr", "false falsch"),
    ("add added adds hinzufügen", "remove removed removes delete deleted entfernen entfernt löschen"),
    ("approve approved genehmigt", "deny denied reject rejected abgelehnt"),
    ("north northern nord nördlich norden 北", "south southern süd südlich süden 南"),
    ("east eastern ost östlich osten 东", "west western westlich westen 西"),
    ("possible möglich", "impossible unmöglich"),
    ("buy buys bought purchase kaufen", "sell sells sold verkaufen"),
    ("old older oldest alt älter", "new newer newest young younger youngest neu jung jünger"),
    ("input eingabe", "output ausgabe"),
    ("synchronous sync", "asynchronous async"),
    ("positive positiv", "negative negativ"),
    ("gain gained profit gewinn", "loss verlust"),
    ("encrypted verschlüsselt", "unencrypted unverschlüsselt plaintext"),
    ("valid gültig", "invalid ungültig expired abgelaufen"),
    ("written schriftlich 书面", "oral orally verbal verbally mündlich mündliche 口头"),
    ("men male männer männlich", "women female frauen weiblich"),
    ("improve improved improvement better verbessern verbessert 改善",
     "worsen worsened deteriorate verschlechtern verschlechtert 恶化"),
    ("support supported supports favour favor unterstützen unterstützt befürworten 支持",
     "oppose opposed opposes ablehnen 反对"),
    ("most meisten", "least wenigsten"),
    ("majority mehrheit", "minority minderheit"),
    ("strong stronger strongest stark stärker", "weak weaker weakest schwach schwächer"),
    ("hot warm heiß", "cold cool kalt kühl"),
    ("cheap cheaper cheapest billig günstig günstiger", "expensive costly teuer teurer"),
    ("temporary temporarily vorübergehend befristet 临时", "permanent permanently dauerhaft unbefristet 永久"),
    ("manual manually manuell 手动", "automatic automatically automatisch 自动"),
    ("upload uploads uploaded hochladen 上传", "download downloads downloaded herunterladen 下载"),
    ("import imports einfuhr 进口", "export exports ausfuhr 出口"),
    ("local locally lokal 本地", "remote remotely entfernt 远程"),
    ("online", "offline"),
    ("inside within indoors innerhalb innen", "outside outdoors außerhalb außen"),
    ("gross brutto", "net netto"),
    ("buyer käufer", "seller verkäufer"),
    ("tenant lessee mieter mieterin", "landlord lessor vermieter vermieterin"),
    ("employer arbeitgeber arbeitgeberin", "employee arbeitnehmer arbeitnehmerin"),
    ("client customer auftraggeber", "contractor supplier auftragnehmer"),
    ("creditor gläubiger", "debtor schuldner"),
    ("sender absender", "recipient receiver addressee empfänger"),
    ("arrival arrive arrives ankunft", "departure depart departs abfahrt abreise"),
    ("success successful succeeds succeeded erfolg erfolgreich 成功",
     "failure failed fails fehlschlag gescheitert 失败"),
    ("complete completely full fully vollständig ganz 全部", "partial partially partly teilweise 部分"),
    ("free kostenlos kostenfrei 免费", "paid chargeable kostenpflichtig 收费"),
    ("morning morgens vormittags", "evening abends nachmittags"),
    ("summer sommer", "winter"),
    ("left links 左", "right rechts 右"),
    ("horizontal horizontally waagerecht", "vertical vertically senkrecht"),
    ("simple easy einfach leicht", "complex difficult hard schwierig schwer"),
    ("promote promotes promoted activate activates", "inhibit inhibits inhibited suppress suppresses suppressed"),
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_SIGNS = re.compile("[\u3400-\u9fff]")


def opposites(claim: str, evidence: str) -> str:
    """A word that the claim has more often, while the evidence has its opposite more often, in words; empty if none."""
    said, found = _words(claim), _words(evidence)
    for pair in _sides():
        for here, there in (pair, pair[::-1]):
            mine, theirs = _held(said, here), _held(found, there)
            if len(mine) > len(_held(found, here)) and len(theirs) > len(_held(said, there)):
                return f"it says “{mine[0]}”, they say “{theirs[0]}”"
    return ""


def _words(text: str) -> list[tuple[str, frozenset[str]]]:
    return [(word, frozenset({stem_of(word), word.casefold()})) for word in _WORD.findall(text)]


def _held(words: Sequence[tuple[str, frozenset[str]]], side: frozenset[str]) -> list[str]:
    """The words that stand on one side of a pair; of a text without blanks, the signs found in it."""
    found = [word for word, forms in words if forms & side]
    return found or [
        term for term in side if not term.isascii() and _SIGNS.match(term) and any(term in w for w, _ in words)
    ]


@cache
def _sides() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """Each pair with all forms of its words."""
    return tuple(
        (
            frozenset().union(*({stem_of(word), word} for word in one.split())),
            frozenset().union(*({stem_of(word), word} for word in other.split())),
        )
        for one, other in _OPPOSITES
    )
