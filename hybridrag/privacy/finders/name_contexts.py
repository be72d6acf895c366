"""Words before a name that say that a person follows: titles, labels, greetings, introductions, kin.

Each match ends where the name begins. The expressions run as RE2 automata over the byte view.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from hybridrag.privacy.finders.pattern_sets import matches
from hybridrag.privacy.finders.patterns import view

_TITLE = (
    rb"(?:M(?:r|rs|s|x|me|lle|RS|R|S)|Miss|Dr(?:in)?|DR|Prof(?:essor(?:in)?)?|PROF|Sir|Dame|Lord|Lady|Madam"
    rb"|Herrn?|HERRN?|Frau|FRAU|Fr.ulein"
    rb"|Hr|Fr|Mag|Ing|Dipl[.]-(?:Ing|Kfm|Inf|Psych|Kff|Volksw|Phys|Chem)|Monsieur|Madame|Mademoiselle"
    rb"|Se.or(?:a|ita)?|Sr(?:a|ta)?|Do.a|Don"
    rb"|Signor(?:a|e|ina)?|Sig(?:ra|na)?|Dott(?:ssa|oressa)?|Dhr|Mevr(?:ouw)?|Meneer|de heer|Pan(?:i|e)?"
    rb"|P.n|Fru|Herra|Rouva|Judge|Justice|Senator(?:in)?"
    rb"|Captain|Capt|Sergeant|Sgt|Lieutenant|Lt|Colonel|Col|Major|Officer|Detective|Inspector|Rabbi"
    rb"|Reverend|Rev|Sister|Brother|Father|Pastor|Pfarrer"
    rb"|Richter(?:in)?|Rechtsanw(?:alt|.ltin)|RAin|RA|Notar(?:in)?|Kolleg(?:e|en|in)|Staatsanw(?:alt|.ltin)"
    rb"|Oberarzt|Chef.rzt(?:in)?|Nurse|Attorney|Esq"
    rb"|mr|mrs|ms|dr|prof|herrn?|frau)"
)
_AFTER_TITLE = rb"(?:med|jur|phil|rer|nat|h[.]? ?c|Dr|Prof|Ing|Mag|dent|vet|oec|pol|PhD|Sir)"
_TITLED = rb"(?:^|[^A-Za-z0-9\xe9])(?:" + _TITLE + rb"[.]?(?: ?" + _AFTER_TITLE + rb"[.]?){0,4}[ \t]{1,3}){1,3}"

_LABEL = (
    rb"(?:(?:(?:full|first|last|family|given|maiden|middle|birth|preferred|legal|customer|client|patient"
    rb"|employee|user|account|contact|holder|tenant|guest|card ?holder|beneficiary|student|buyer|seller"
    rb"|applicant)(?:'s)?[ _-]?)?(?:name|surname|forename)s?"
    rb"|vor- und (?:nach|zu)name|(?:vor|nach|zu|familien|geburts|vater|ruf)name|name,? vorname"
    rb"|patient(?:in)?|client|customer|employee|applicant|tenant|landlord|lessee|lessor|buyer|seller"
    rb"|beneficiary"
    rb"|guardian|contact(?: person)?|attn|attention|account holder|card ?holder|witness|plaintiff|defendant"
    rb"|claimant|next of kin|emergency contact|referring physician|attending(?: physician)?"
    rb"|physician|surgeon|nurse|therapist|teacher|student|manager|supervisor|reviewer|signed|signed by"
    rb"|prepared by|written by|directed by|produced by|starring|cast|approved by|reviewed by|submitted by"
    rb"|reported by|assigned to|assignee|reporter|owner|caller|agent|user|author(?:s)?|sender|recipient"
    rb"|from|to|cc|bcc|re|present|absent|apologies|attendees|participants|chair(?:person)?|minutes(?: by)?"
    rb"|speaker|interviewer|interviewee"
    rb"|ansprechpartner(?:in)?|bearbeiter(?:in)?|sachbearbeiter(?:in)?|kund(?:e|in)|mitarbeiter(?:in)?"
    rb"|mieter(?:in)?|vermieter(?:in)?|auftraggeber(?:in)?|empf.nger(?:in)?|absender(?:in)?"
    rb"|kontoinhaber(?:in)?"
    rb"|versicherte[rn]?|versicherungsnehmer(?:in)?|unterzeichner|zeug(?:e|in)|kl.ger(?:in)?|beklagter?"
    rb"|antragsteller(?:in)?|autor(?:in|en)?|verfasser(?:in)?|von|an|kopie|gezeichnet|teilnehmer(?:innen)?"
    rb"|anwesend|abwesend|entschuldigt|protokoll(?:ant|antin|f.hrer|f.hrerin)?"
    rb"|leitung|vorsitz(?:ende[rn]?)?|hausarzt|arzt|.rztin|betreuer(?:in)?|lehrer(?:in)?|sch.ler(?:in)?"
    rb"|eigent.mer(?:in)?|gesch.ftsf.hrer(?:in)?|unterschrift|nom|pr.nom|nombre|apellidos?|nome|cognome"
    rb"|passenger|traveller|guest|visitor|cardholder|debtor|creditor|payee|payer|spouse|father|mother|driver|officer"
    rb"|nurse|doctor|instructor|candidate|insured(?: person)?|policy ?holder|donor|heir|trustee|executor|deponent"
    rb"|suspect"
    rb"|victim|complainant|respondent|appellant|petitioner|organi[sz]er|host|landlady|subscriber|member|shipper"
    rb"|consignee|bill to|ship to|sold to|deliver to|action|absentees|regrets|cosigned by|issued to|issued by"
    rb"|arbeitnehmer(?:in)?|angestellte[rn]?|notfallkontakt|kontakt(?:person)?|fahrer(?:in)?|halter(?:in)?|p.chter(?:in)?"
    rb"|k.ufer(?:in)?|verk.ufer(?:in)?|besch.ftigte[rn]?|versicherte person|gesch.digte[rn]?|beschuldigte[rn]?"
    rb"|verd.chtige[rn]?|patientenname|gast|reisende[rn]?|passagier(?:in)?|mandant(?:in)?|schuldner(?:in)?"
    rb"|gl.ubiger(?:in)?|erblasser(?:in)?|erb(?:e|in)|bevollm.chtigte[rn]?|inhaber(?:in)?|vertreter(?:in)?"
    rb"|naam|voornaam|achternaam|imi.|nazwisko|jm.no|p..jmen.)"
)
# Fields that hold nothing but the name of a person, so that one word on no list is enough.
_FIELD = (
    rb"(?i)(?:^|[\n|;,>*\"{(\[)]|[.:] | - )[ \t\"'*_-]{0,6}(?:(?:first|last|family|given|maiden|middle|birth)[ _-]?name"
    rb"|surname|forename|(?:vor|nach|zu|familien|geburts|ruf)name|pr.nom|apellidos?|cognome|voornaam|achternaam|nazwisko"
    rb"|fname|lname)"
    rb"[*_\"']{0,3}(?:[ \t]{0,4}(?::|=|\|)| - )[ \t\"'*_=|]{0,12}"
)
_LABELLED = (
    rb"(?i)(?:^|[\n|;,>*\"{(\[)]|[.:] | - )[ \t\"'*_-]{0,6}"
    + _LABEL
    + rb"[*_\"']{0,3}(?:[ \t]{0,4}(?::|=|\|)| [-\xa4] )[ \t\"'*_=|]{0,12}"
)

_GREETED = (
    rb"(?i)(?:^|[\n\"'>.!?:,;(-])[ \t]{0,4}(?:dear(?:est)?|hi|hello|hey|hiya|good (?:morning|afternoon"
    rb"|evening)|greetings|welcome|thanks|thank you|danke(?: dir| sch.n)?|vielen dank|hallo|hi|moin|servus"
    rb"|gr.. (?:gott|dich)|guten (?:tag"
    rb"|morgen|abend)"
    rb"|liebe[rs]?|sehr geehrte[rs]?|werte[rs]?|verehrte[rs]?|cher|ch.re|bonjour|salut|hola|estimad[oa]"
    rb"|querid[oa]|ciao|caro|cara|gentile|beste|geachte|hoi|dag|k.ra|hej|drog[ia]|cze..|ahoj"
    rb"|mil[.yi])(?: there)?,?[ \t]{1,3}"
)
_CLOSED = (
    rb"(?i)(?:sincerely|regards|wishes|cheers|thanks(?: again| a lot)?|thank you|yours(?: truly| faithfully"
    rb"| ever)?|love|best|xoxo|respectfully|gr..en|gr..e|gr.ssen|gr.sse|gru.|mfg|lg|vg|hochachtungsvoll"
    rb"|cordialement|salutations|atentamente|saludos"
    rb"|saluti|groet(?:en)?|h.lsningar|pozdravem|pozdrawiam|signed|gez[.]|i[. ]{0,2}a[.]|i[. ]{0,2}v[.]"
    rb"|ppa[.]|/s/)[,.!]?[ \t]{0,4}(?:\r?\n[ \t>]{0,8}){1,4}(?:(?:/s/|gez[.]|i[. ]{0,2}a[.]|i[. ]{0,2}v[.]"
    rb"|ppa[.]|--?)[ \t]{1,3})?"
)
_SIGNED = rb"(?:/s/|\bgez[.]|\bi[.] ?[AV][.]|\bppa[.])[ \t]{1,3}"
_INTRODUCED = (
    rb"(?i)\b(?:(?:my|his|her|their|your|our|whose|partner's|maiden|last|first|full|middle"
    rb"|sur)[ -]?(?:full |last |first |maiden |middle |real )?name(?:'s| is| was|:)|the name(?:'s| is)|i am"
    rb"|i'm|i.m|this is|it's|it is|that is|call(?:s|ed|ing)? (?:me|him|her)|calls? me|(?:was|is|were|are"
    rb"|been|be) (?:called|named)|nam(?:e|ed|ing) (?:him|her|it|them)"
    rb"|name [a-z]{2,12}|name (?:to|as)|go(?:es)? by|known as|speak (?:to|with)|speaking (?:to|with)"
    rb"|talk (?:to|with)|talking (?:to|with)|ask for|looking for|meet|met(?: with)?|contact|account of"
    rb"|behalf of|care of|c/o|attention of|born to|married(?: to)?|n.e|accompanied by|referred by|seen by"
    rb"|heard from|signed for by|(?:collected|received|posted|delivered|prepared|sponsored|escorted|examined) by"
    rb"|addressed to|reports to|proposed to|divorced from|engaged to|dinner with|lunch with|appointment with"
    rb"|who(?: is|'s| was)|where(?: is|'s)|how(?: is|'s) it going,|wer ist|wo ist|gr.(?:.|ss)e an"
    rb"|ask(?:ed)?|tell|told|remind(?:ed)?|invited?|phoned|e-?mailed|thanked|married|congratulate"
    rb"|ansprechpartner(?:in)? ist|zust.ndig ist|kontakt ist|(?:das|es) (?:ist|war)"
    rb"|(?:kannst|k.nntest|hast|wirst|kennst|siehst|triffst|magst|musst|habt|kennt) (?:du|ihr)"
    rb"|ich (?:frage?|sage|bitte|rufe|treffe|besuche|kenne|gr..e|liebe|hasse|vermisse|heirate|informiere)"
    rb"|(?:recipient|passenger|tenant|landlord|claimant|plaintiff|defendant|patient|insured|driver|client|customer"
    rb"|mieter|vermieter|patient|kunde|kundin|zeuge|zeugin|kl.ger|fahrer|halter|empf.nger)(?:in)? [(]"
    rb"|treated by|represented by|signed by|witnessed by|written by|directed by|produced by|performed by"
    rb"|sung by|composed by"
    rb"|ich hei.e|hei.t|mein name ist|(?:sein|ihr|der|dein) name ist|ich bin(?: der| die)?|hier ist"
    rb"|hier spricht|namens|genannt|geb[.]|geborene[rn]?|verheiratet mit|im auftrag von|vertreten durch"
    rb"|unterzeichnet von|gesprochen mit|z[. ]{0,2}hd[.]|zu h.nden(?: von)?"
    rb"|je m'appelle|je suis|me llamo|mi nombre es|mi chiamo|ik heet|mijn naam is|jag heter|mitt namn .r"
    rb"|nazywam si.|mam na imi.|jmenuji se)[ \t]{1,3}[\"']?"
)
_KIN_WORD = (
    rb"(?:kid|child|daughter|son|wife|husband|spouse|fianc.e?|brother|sister|mother|father|mom|mum|dad|aunt"
    rb"|uncle|cousin|nephew|niece|grand(?:mother|father|ma|pa|daughter|son)|(?:girl|boy)?friend|roommate"
    rb"|neighbou?r|colleague|co-?worker|boss|assistant|secretary|guardian|partner|friends|kids|children"
    rb"|sons|daughters"
    rb"|tochter|sohn|frau|mann|ehefrau|ehemann|bruder|schwester|mutter|vater|oma|opa|tante|onkel|cousine?"
    rb"|nichte|neffe|enkelin|enkel|freund(?:in)?|nachbar(?:in)?|kolleg(?:e|in|en)|chefin|chef|mieter(?:in)?"
    rb"|mandant(?:in)?)"
)
_OF_SOMEONE = rb"(?:my|his|her|our|their|your|meine?[mnrs]?|seine?[mnrs]?|ihre?[mnrs]?|unsere?[mnrs]?|deine?[mnrs]?)"
_KIN = rb"(?i)\b" + _OF_SOMEONE + rb"[ \t](?:[a-z\xe9]{2,12}[ \t])?" + _KIN_WORD + rb",?[ \t]{1,2}[\"']?"
_ROLE = (
    rb"(?i)\b(?:singer|songwriter|producer|actor|actress|author|writer|poet|novelist|composer|director"
    rb"|artist|painter|guitarist|drummer|player|coach|senator|lawyer|attorney|nurse|teacher|professor"
    rb"|detective|officer|manager|commenter|analyst|reporter|journalist|editor|(?:co-?)?founders?|ceo|cfo"
    rb"|cto|chair(?:man|woman)|spokes(?:man|woman|person)|trainer|employee|tenant|patient|witness|suspect"
    rb"|victim|and starring|starring|features|featuring|including"
    rb"|patient(?:in)?|zeug(?:e|in)|s.nger(?:in)?|autor(?:in)?|regisseur(?:in)?|schauspieler(?:in)?"
    rb"|pr.sident(?:in)?|minister(?:in)?|" + _KIN_WORD + rb")[ \t]{1,2}[\"']?"
)
_ASKED = (
    rb"(?i)\b(?:name[^\n.?!]{0,30}\?|hei.en (?:sie|du)[^\n.?!]{0,20}\?"
    rb"|hei.t du[^\n.?!]{0,20}\?)\"?[ \t\r\n]{1,3}(?:[-\x3e] ?|[a-z]{1,12}: ?)?[\"']?(?:it's |it is "
    rb"|my name is )?"
)

_SAID = rb"(?i)[\"',] ?(?:says|said|asked|replied|wrote|explained|added|sagte?|fragte|meinte|antwortete)[ \t]"
_VERB = (
    rb"(?:lives (?:at|on|in|with)|shouted|whispered|laughed|smiled|said|says|asked|replied|told|wrote to"
    rb"|began|was born|gave|had given|will be (?:talking|speaking|joining)|is (?:from|a very|very|so"
    rb"|reliable|married|originally)"
    rb"|grew up|moved to|went to|retired|, can (?:i|you|we)|, could you|, please"
    rb"|, the [a-z]{2,20}(?: [a-z]{2,20})?, said|points out|thinks|believes|wants|wrote|approved|presented"
    rb"|has (?:accepted|agreed|asked|joined|left|worked|moved|been|signed|called|sent|resigned)|called me"
    rb"|has (?:lived|moved|died|paid|stayed|been (?:ill|sick|away|admitted|here))|got (?:married|engaged|divorced"
    rb"|hired|fired"
    rb"|sick)|(?:pay|pays|paid) (?:with|for|by)|earns|owes|will see you|passed away|(?:works|worked) (?:at|for|in|as)"
    rb"|is (?:bringing|coming|away|sick|ill|late|pregnant|on (?:holiday|leave)|allergic|diabetic)"
    rb"|was (?:late|sick|ill|admitted|hired|fired|arrested|discharged|diagnosed|hospitali[sz]ed|promoted)"
    rb"|and I|hates|loves|misses|turned [1-9][0-9]|, (?:aged|born|geb[.]|geboren)"
    rb"|war (?:auch )?(?:da|dabei|krank|hier)|ist (?:krank|da|schwanger|im urlaub|umgezogen|gestorben|verstorben)"
    rb"|arbeitet (?:bei|als|in)|verdient|heiratet|zieht (?:nach|um)"
    rb"|told me|asked me|came (?:home|back|to)"
    rb"|wohnt|sagte|fragte|meinte|antwortete|schrieb (?:mir|ihr|ihm|uns)|wurde geboren|zog nach|kommt aus"
    rb"|ist (?:verheiratet|geboren|sehr)|rief (?:an|mich)|hat (?:mir|mich|uns|angerufen|gesagt))"
)
_SUBJECT = rb"[A-Z\xe9][A-Za-z\xe9'-]{1,24},? ?" + _VERB + rb"[^A-Za-z\xe9]"
_POSSESSED = (
    rb"[A-Z\xe9][A-Za-z\xe9-]{1,24}'s? (?:kid|kids|son|daughter|wife|husband|mother|father|brother|sister"
    rb"|friend|boss|address|phone|email|account|house|car|birthday|concert|novel|song|album)\b"
)
_ABOUT_ART = (
    rb"\b(?:the|a|an) ([A-Z\xe9][A-Za-z\xe9'-]{1,24}) (?:concert|novel|song|album|fan|fans|film|movie"
    rb"|biography|estate|family|interview)\b"
)
_TURN = (
    rb"(?:^"
    rb"|\n)[ \t>*]{0,6}(?:[(\[]?[0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2})?[)\]]?[ \t-]{1,3})?<?"
    rb"([A-Za-z\xe9][a-z\xe9'-]{1,19})(?: ?[(\[]?[0-9]{1,2}[:.][0-9]{2}[)\]]?)?>?:[ \t]{0,2}[\"A-Za-z\xe9]"
)

TITLED, STRONG, KIN, ROLE, GREETING, LABEL, SIGNATURE, SUBJECT, FIELD = (
    "titled",
    "context",
    "kin",
    "role",
    "greeting",
    "label",
    "signature",
    "verb",
    "field",
)
_BEFORE: tuple[tuple[str, bytes], ...] = (
    (TITLED, _TITLED),
    (FIELD, _FIELD),
    (LABEL, _LABELLED),
    (GREETING, _GREETED),
    (SIGNATURE, _CLOSED),
    (SIGNATURE, _SIGNED),
    (STRONG, _INTRODUCED),
    (KIN, _KIN),
    (ROLE, _ROLE),
    (STRONG, _ASKED),
    (SUBJECT, _SAID),
)


_INTRODUCED_LOWER = (
    rb"(?i)(?:\b(?:(?:my|his|her|their|your|maiden|last|first|partner's) name(?:'s| is| was)|(?:calls?|called) me"
    rb"|(?:was|is) (?:called|named)|ich hei.e|mein name ist|je m'appelle|me llamo|mi chiamo"
    rb"|(?:mrs?|ms|herr|frau|dr)[.]?"
    rb"|(?:^|\n)[ \t]{0,4}(?:dear|hi|hello|hey|hallo|liebe[rs]?))[ \t]|what's your (?:last |first )?name\?[ \t])"
    rb"[a-z\xe9]"
)
_CAPITAL, _SMALL = rb"(?-i:[A-Z\xe9])", rb"[a-z\xe9]"


@dataclass(frozen=True, slots=True)
class Announced:
    """Where names are announced: `before` holds rule and position after a title, label and so on, `subjects` spans that
    begin with a word that lives, speaks or has kin, `turns` the speakers of a chat, `introduced` where a name without
    a capital may begin."""

    before: list[tuple[str, int]]
    subjects: list[tuple[int, int]]
    turns: list[tuple[int, int]]
    introduced: list[int]


def announced(text: str, *, lower: bool) -> Announced:
    """What announces names in `text`; with `lower`, a text without capitals, also before small letters."""
    data = view(text)
    result = Announced([], [], [], [])
    for group in _groups(lower):
        rules = dict(group)
        for pattern, match in matches(tuple(rules), data):
            _note(result, rules[pattern], match)
    return result


def _note(result: Announced, rule: str, match: Any) -> None:
    if rule == _PERSON_DOES:
        result.subjects.append(match.span())
    elif rule == _OF_ART:
        result.subjects.append(match.span(1))
    elif rule == _SPEAKER:
        result.turns.append(match.span(1))
    elif rule == _SMALL_NAME:
        result.introduced.append(match.end() - 1)
    else:
        result.before.append((rule, match.end() - 1))


_PERSON_DOES, _OF_ART, _SPEAKER, _SMALL_NAME = "does", "art", "speaker", "small"


@cache
def _groups(lower: bool) -> tuple[tuple[tuple[bytes, str], ...], ...]:
    """Patterns with their rules, those together that begin alike or are rare."""
    following = _SMALL if lower else _CAPITAL
    before = [(pattern + following, rule) for rule, pattern in _BEFORE]
    kinds = ({TITLED, FIELD, GREETING, SIGNATURE}, {LABEL}, {STRONG, KIN})
    lines, labels, sentences = (tuple(pair for pair in before if pair[1] in kind) for kind in kinds)
    rest = tuple(pair for pair in before if not any(pair[1] in kind for kind in kinds))
    return (
        (*lines, (_TURN, _SPEAKER)),
        labels,
        sentences,
        (*rest, (_ABOUT_ART, _OF_ART), (_INTRODUCED_LOWER, _SMALL_NAME)),
        ((_SUBJECT, _PERSON_DOES),),
        ((_POSSESSED, _PERSON_DOES),),
    )
