"""Which sentences of an answer say anything that could be checked, and which only lead, thank or own to not knowing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from hybridrag.answering.figures import Figure, borne_out, figures_of
from hybridrag.answering.names import Held, names_of
from hybridrag.answering.parts import chunks_of
from hybridrag.answering.wording import content
from hybridrag.types import Passage

_LOOKED_AT = 2_000
_MARKS = re.compile(r"\[\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\]")
_FENCE = re.compile(r"(?:`{3,}|~{3,})[\w+#.-]*")
_HEADING = re.compile(r"#{1,6}(?:\s|$)|(\*\*|__)[^*_.!?。:：]{1,80}[:：]?\1[:：]?$")
_RULE = re.compile(r"[\s|:+=*_~.#>-]+")
_LEAD = re.compile(
    r"\b(?:here|follow(?:s|ing)|below|these|steps?|according|based|documents?|passages?|sources?|answer|summary|"
    r"hier|folgende[nrms]?|unten|diese|schritte?|laut|gemäß|dokumente?n?|quellen?|antwort|zusammenfassung)\b|"
    r"以下|如下|根据|次の",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"(?:sure(?: thing)?|certainly|of course|absolutely|thanks?(?: you)?(?: for asking)?|you(?:['’]re|"
    r" are) welcome|hello|hi|"
    r"great question|good question|glad to help|happy to help|i hope (?:this|that) helps|hope (?:this|that) helps|"
    r"let me know[^.!?]{0,80}|feel free to[^.!?]{0,80}|gern(?:e)?(?: geschehen)?|natürlich|"
    r"selbstverständlich|danke|hallo|"
    r"ich hoffe,? das hilft(?: ihnen| dir)?|gute frage|好的|当然|谢谢|不客气|希望(?:这)?(?:对您)?有帮助)"
    r"(?:\s*[,!.。！]\s*(?:i['’]?(?:m| am|d|['’]?ll)[^.!?]{0,60}))?\s*[.!。！]*",
    re.IGNORECASE,
)
_NOT_KNOWING = re.compile(
    r"(?:(?:unfortunately|sorry|leider|i['’]?m sorry|i am sorry)\W{0,3}(?:but )?)?(?:"
    r"(?:the|these|those|any of the|none of the|your|no)?\s?(?:provided |given |available |cited )?"
    r"(?:passages?|documents?|documentation|sources?|texts?|context|files?)\s+(?:"
    r"(?:do(?:es)? not|don['’]t|doesn['’]t|did not|cannot|can['’]t)\s+(?:seem to |appear to |explicitly |"
    r"directly |actually )?"
    r"(?:say|mention|contain|provide|specify|state|answer|tell|give|include|describe|explain|address|"
    r"discuss|cover|indicate|"
    r"define|list|name)|(?:say|mention|contain|provide|specify|answer|tell|state)s?\b(?=.*\b(?:nothing|"
    r"no information)\b)|"
    r"(?<=no passage )(?:says|mentions)|(?:is|are) silent)|"
    r"no(?:ne of the)? (?:passages?|documents?|sources?|text) (?:says?|mentions?|contains?|provides?|"
    r"specif(?:y|ies)|answers?|states?)|"
    r"(?:there is|there['’]s|i (?:have|found|see|find)|i could find) no (?:\w+ )?(?:information|mention|"
    r"answer|indication|details?)|"
    r"i (?:do not|don['’]t|cannot|can['’]t|could not|couldn['’]t|was unable to|am unable to|am not able to)\s+"
    r"(?:know|find|answer|tell|say|see|determine)|"
    r"(?:this|that|it|the answer) (?:is|was) not (?:mentioned|stated|specified|said|given|"
    r"in the (?:passages|documents))|"
    r"(?:no|not enough|insufficient) (?:information|context|details?)\b|"
    r"(?:in )?(?:die|den|diese[n]?)\s(?:vorliegenden |angegebenen |gegebenen )?(?:dokumente?n?|passagen?|"
    r"texte?n?|quellen?|textstellen|auszüge?n?)\s"
    r"(?:\w+\s){0,4}?(?:keine?n?|nicht|nichts)\b|(?:das|dies|es) (?:steht|wird) (?:\w+ ){0,4}nicht\b|"
    r"(?:ich (?:weiß|finde|kann) (?:\w+ ){0,4}(?:nicht|keine?n?))|dazu (?:sagen|enthalten|steht|stehen|finde)|"
    r"es gibt keine (?:angaben?|informationen|hinweise)|"
    r"(?:这些|所提供的|提供的|给出的)?(?:文档|文件|段落|资料|文本)(?:中|里)?(?:没有|并未|未|并没有)|我不知道|无法(?:找到|确定|回答)"
    r")",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"\b(?:but|however|although|though|nevertheless|yet|still|aber|jedoch|allerdings|dennoch|obwohl)\b|但|不过|然而|"
    r"[.;!?。；]\s*\S",
    re.IGNORECASE,
)
_ASIDE = re.compile(r",|\b(?:because|since|why|weil|da|warum)\b|，|因为", re.IGNORECASE)
"""After these, one who owns to not knowing may go on to claim something."""
_MUCH = 100
"""A number from which on it is no count of steps or parts."""
_SHORT = 120
"""Characters up to which a line that ends in a colon may be no more than a lead-in."""


def is_claim(text: str) -> bool:
    """Whether a sentence says anything that passages could bear out or not.

    Headings, lead-ins, rules, fences, questions back, courtesies and statements of not knowing say nothing of the kind.
    """
    said = _MARKS.sub("", text[: 2 * _LOOKED_AT]).strip()
    if len(text) > _LOOKED_AT:
        return bool(said)
    return not (
        not any(c.isalnum() for c in said)
        or _FENCE.fullmatch(said)
        or _HEADING.match(said)
        or _RULE.fullmatch(said)
        or _leads(said)
        or said.endswith(("?", "？"))
        or _COURTESY.fullmatch(said)
        or _owns_to_not_knowing(said)
    )


def _leads(said: str) -> bool:
    """Whether a line only leads to what follows it: it ends in a colon, and has no figure of its own."""
    if not said.rstrip("*_ ").endswith((":", "：")) or len(said) > _SHORT or any(c.isdigit() for c in said):
        return False
    return len(said.split()) <= 3 or _LEAD.search(said) is not None


def _owns_to_not_knowing(said: str) -> bool:
    owned = _NOT_KNOWING.match(said)
    return owned is not None and _TURN.search(said.rstrip(" .!。！"), owned.end()) is None


class Asides:
    """Sentences that claim nothing by their form, and may hold what no passage does: `# Mallory bought the company`."""

    def __init__(self, passages: Sequence[Passage], question: str) -> None:
        self._texts = [question[:_LOOKED_AT]]
        for passage in passages:
            document = passage.chunk.document
            heads = (part.head for part in chunks_of(passage))
            self._texts += (document.title, *passage.chunk.headings, *heads, document.path, passage.text)

    def claims(self, text: str) -> bool:
        """Whether a heading, a lead-in, a question or the like names what neither passages nor the question name."""
        said = _MARKS.sub("", text).strip()
        if _NOT_KNOWING.match(said):
            turned = _ASIDE.search(said)
            said = said[turned.end() :] if turned else ""
        if any(not borne_out(figure, self._figures) for figure in figures_of(said) if _counts(figure)):
            return True
        # Where every word has a capital, none is a name for that.
        return any(word.islower() for word in re.findall(r"[^\W\d_]{3,}", said) if content(word)) and any(
            not self._held.holds(name) for name in names_of(said, self._held)
        )

    @cached_property
    def _held(self) -> Held:
        return Held("\n".join(self._texts))

    @cached_property
    def _figures(self) -> list[Figure]:
        return [figure for text in self._texts for figure in figures_of(text)]


def _counts(figure: Figure) -> bool:
    return not figure.loose and (bool(figure.dimension) or max(figure.bare, default=0) >= _MUCH)
