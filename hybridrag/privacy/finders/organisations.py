"""Names of firms by legal form, by a firm's word ("Consulting"), and by what is said of them ("works for").

Public bodies and the products of well-known makers, which every manual names, are left alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from hybridrag.privacy.finders.name_lists import FAMILY, FUNCTION, GIVEN, THING, WORD
from hybridrag.privacy.finders.name_words import Words
from hybridrag.privacy.finders.pattern_sets import matches
from hybridrag.privacy.finders.patterns import view
from hybridrag.types import Span

ORG = "ORG"
_LONGEST = 7
_LEGAL = (
    rb"(?:[ ,]{1,2}(?:Inc|Incorporated|INC|Ltd|LTD|Limited|LLC|L[.]L[.]C|LLP|L[.]L[.]P|PLC|plc|Plc|Corp"
    rb"|CORP|Corporation|Pty|Pvt|GmbH(?: ?& ?Co[.]? ?KG(?:aA)?)?|gGmbH|mbH|AG(?: ?& ?Co[.]? ?KG)?|KGaA|KG"
    rb"|OHG|oHG|GbR|UG|e[.] ?V|eV|e[.] ?K|e[.] ?G|SE"
    rb"|S[.] ?A|SA|SAS|SARL|S[.]?[.r.a.]{0,6}l|S[.] ?p[.] ?A|SpA|S[.] ?r[.] ?l|Srl|SRL|S[.] ?L|N[.] ?V|NV"
    rb"|B[.] ?V|BV|AB|A/S|ApS|ASA|AS|Oyj?|d[.]o[.]o|s[.]r[.]o|a[.]s|Sp[.] ?z ?o[.]o|Kft|Zrt|Nyrt|Ltda|S[.]A[.]S"
    rb"|s[.] ?p|s[.]r[.]l|j?[.]?d[.]o[.]o|d[.]d|d[.]n[.]o|k[.]s|v[.]o[.]s|o[.]p[.]s|A[.]\xe9|Ltd[.] \xe9ti"
    rb"|San[.] ve Tic"
    rb"|Tic|Tbk|QSC|MMC|OAO|OOO|ZAO|PJSC|JSC|SNC|S[.]?N[.]?C|S[.]C|S[.] ?Com|S[.] ?Coop|EURL|SCOP|SCI|Sp[.] ?[jk]"
    rb"|S[.]K[.]A|KK|K[.]K|e[.]U|eU|eG|KGaA|IKS|UAB|SIA|O\xe9|OU|EPE|LDA|Lda|EI|EIRELI|ME|Sdn[.] ?Bhd|Bhd|Pte|FZE|FZCO"
    rb"|ehf|hf|AD|EOOD|OOD|SRLS|P[.]?C|Stiftung|Genossenschaft|(?:& |e |og |och |ja |en |in |i )(?:[Cc]o|figli|Zonen"
    rb"|zn|S\xe9nner|Partnerzy|asociados|associados|Associ\xe9s)"
    rb"|(?:& |and |und |y |et )(?:Co(?:mpany)?|Sons?|Brothers|Bros|Partners?|Associates|Partner|S.hne|Sohn"
    rb"|T.chter|Cie|C.a|Fils|Figli|Hijos|Daughters)|Group|Holdings?)[.]?){1,3}(?:$|[^A-Za-z0-9\xe9])"
)
_FIRM_WORD = (
    rb" (?:Consulting|Technolog(?:y|ies)|Solutions|Industries|Enterprises|Ventures|Associates|Logistics"
    rb"|Pharma(?:ceuticals)?|Laboratories|Labs|Motors|Airlines|Foods|Brewery|Studios|Partners|Capital"
    rb"|Insurance|Advisors|Analytics|Biotech|Robotics"
    rb"|Networks|Dynamics|Financial|Securities|Realty|Properties|Builders|Construction"
    rb"|Electronics|Semiconductors?|Telecom|Bancorp|Bakery|Plumbing|Roofing|Outfitters|Werke|Verlag"
    rb"|Versicherung(?:en|s)?|Sparkasse|Bau|Maschinenbau|Anlagenbau|Elektrotechnik|Immobilien|Apotheke"
    rb"|Kanzlei|Reederei|Spedition|Clinic|Pharmacy|Dental|Haulage|Roasters|Bookshop|Books|Brewing|Publishing|Trading"
    rb"|Shipping|Credit Union|Savings Bank|Airways|Healthcare|Nurseries|Motel|Bistro|Pizzeria|Garage|Carpets|Catering"
    rb"|Hardware Store|Veterinary|Orthodontics|Optometry|Landscaping|Cleaners|Jewell?ers|Florists?|Butchers|Barbers"
    rb"|Autohaus|B.ckerei|Metzgerei|Brauerei|Druckerei|Tischlerei|Schreinerei|G.rtnerei|Werkzeugbau|Logistik"
    rb"|Krankenkasse|Steuerberatung|Hausverwaltung|Pflegedienst)(?:$|[^A-Za-z0-9\xe9])"
)
_ROLE_AT = (
    rb"(?i)\b(?:work(?:s|ed|ing)? (?:at|for)|employed (?:at|by|with)|employee of|job (?:at|with)"
    rb"|intern(?:ed|ship)? (?:at|with)|interview (?:at|with)|join(?:s|ed|ing)|hired by|fired from"
    rb"|laid off (?:by|from)|resigned from|retired from|left|quit|position (?:at|with)"
    rb"|career at|year(?:s)? at|(?:ceo|cto|cfo|coo|president|founder|co-founder|chairman|director|manager"
    rb"|partner|engineer|analyst|consultant|accountant|nurse|member|head|customer|client|subsidiary"
    rb"|division|supplier|shareholder|employees) (?:of|at|from|with)|account (?:at|with)|contract with"
    rb"|invoice (?:from|to)"
    rb"|arbeite(?:t|n|te|st)? (?:bei|f.r)|angestellt(?:er?)? bei|besch.ftigt bei|t.tig bei|praktikum bei"
    rb"|ausbildung bei|karriere bei|wechselt(?:e)? zu|gek.ndigt bei|gesch.ftsf.hrer(?:in)? (?:der|von)"
    rb"|mitarbeiter(?:in)? (?:der|von|bei)|kund(?:e|in) (?:der|von|bei)|firma|fa[.]|unternehmen|konzern"
    rb"|kanzlei|spedition|rechnung (?:der|von|an)|according to|belongs? to|owned by|operated by|managed by|sponsored by"
    rb"|a subsidiary of|merged with|taken over by|geh.rt zu|aktien der|im auftrag der|stadtwerke|autohaus|b.ckerei"
    rb"|metzgerei|klinikum|sparkasse|volksbank|gasthaus|hotel|banco|banca|banque"
    rb"|travaille (?:chez|pour)|trabaja (?:en|para)|lavora (?:per|presso)|werkt (?:bij|voor))(?: (?:the|der"
    rb"|die|dem|den))?[ \t][\"']?(?-i:[A-Z\xe9])"
)
_LABEL = (
    rb"(?i)(?:^|[\n|;,>])[ \t\"'*_-]{0,6}(?:company|company name|employer|organi[sz]ation|firm"
    rb"|business(?: name)?|vendor|supplier|insurer|insurance(?: company)?|bank|workplace|account name|firma"
    rb"|firmenname|arbeitgeber|unternehmen|lieferant|auftraggeber|auftragnehmer|versicherer|versicherung"
    rb"|krankenkasse|hausbank|kreditinstitut|bank of record|landlord|bill to|sold to|ship to|payee|beneficiary"
    rb""
    rb"|rechnung an|rechnungsempf.nger|auftraggeber|soci.t.|empresa|azienda|bedrijf)"
    rb"[*_\"']{0,3}[ \t]{0,4}(?::|=|\|)[ \t\"'*_=|]{0,12}(?-i:[A-Z\xe9])"
)
_SAID_OF = (
    rb"[A-Za-z0-9\xe9.&'-]{2,24},? (?:(?:is|was|ist|war) (?:an?|the|one of the"
    rb"|eine?) (?:[A-Za-z\xe9-]{2,20} ){0,4}(?:company|firm|agency|bank|startup|start-up|manufacturer"
    rb"|retailer|supplier|provider|consultancy|brewery|publisher|employer|corporation|conglomerate|charity"
    rb"|non-profit|nonprofit|unternehmen|firma|agentur|hersteller|kanzlei|anbieter)"
    rb"|(?:was founded|wurde gegr.ndet|acquired|announced|filed for bankruptcy|invested|went public"
    rb"|laid off|hires|is hiring|shares|headquarters|offices?|branch|website|employees|shareholders"
    rb"|customers|stellt ein))\b"
)
# Legal forms that are also plain words: the name before them must have a word of its own.
_SOFT = re.compile(rb"^[ ,]{1,2}(?:Group|Limited|Holdings?|Stiftung|Genossenschaft|AD|ME|EI|PC|OU|KK|Tic|KS|[Cc]o)\b")
_JOINTS = frozenset((" ", " & ", ", ", " and ", " und ", " + ", "-", ". ", "&", " et ", " y "))
_OPENERS = (
    "The A An Our Your Their His Her My Die Der Das Den Dem Ein Eine Bei Von Mit Für At By For From In On"
    " With And Or To Und As"
)
_NOT_FIRST = frozenset(_OPENERS.split())


_RULES = {
    _LEGAL: "org-legal-form",
    _FIRM_WORD: "org-firm-word",
    _ROLE_AT: "org-context",
    _LABEL: "org-label",
    _SAID_OF: "org-described",
}
_GROUPS = ((_LEGAL, _FIRM_WORD, _LABEL), (_ROLE_AT,), (_SAID_OF,))


def organisations(text: str) -> Iterator[Span]:
    """ORG spans of `text`, the legal form included. Linear in its length."""
    words = Words.of(text, lower=False)
    if not words.starts:
        return
    data = view(text)
    for rule, match in ((_RULES[pattern], match) for group in _GROUPS for pattern, match in matches(group, data)):
        if rule in {"org-legal-form", "org-firm-word"}:
            soft = rule == "org-firm-word" or _SOFT.search(match.group()) is not None
            span = _ending(words, match.start(), match.end(), rule, strict=soft)
        elif rule == "org-described":
            span = _described(words, match.start(), match.end())
        else:
            span = _following(words, match.end() - 1, rule)
        if span is not None:
            yield span
    yield from _doubled(words)


def _ending(words: Words, start: int, end: int, rule: str, *, strict: bool) -> Span | None:
    """The name that ends with the legal form or firm's word in `start:end`."""
    first = _first(words, start + 1, strict=strict)
    if first is None:
        return None
    return Span(words.starts[first], _trimmed(words.text, start + 1, end), ORG, rule)


def _described(words: Words, start: int, end: int) -> Span | None:
    """The name that begins `start:end`, of which something is said that is said of firms."""
    last = bisect_left(words.starts, start)
    if last == len(words.starts) or words.ends[last] > end:
        return None
    first = _first(words, words.ends[last] + 1, strict=True)
    if first is None or all(value & (THING | FUNCTION) for value in words.flags[first : last + 1]):
        return None
    return Span(words.starts[first], words.ends[last], ORG, "org-described")


def _first(words: Words, before: int, *, strict: bool) -> int | None:
    """The first word of the name that ends before `before`, or None. With `strict`, ordinary words alone are none."""
    last = bisect_left(words.starts, before) - 1
    if last < 0 or words.ends[last] > before or before - words.ends[last] > 2:
        return None
    first = last
    while first > 0 and last - first < _LONGEST - 1:
        start, end = words.ends[first - 1], words.starts[first]
        if end - start > 5 or words.text[start:end] not in _JOINTS or words.words[first - 1] in _NOT_FIRST:
            break
        if words.text[start:end] == ", " and not words.flags[first - 1] & FAMILY:
            break
        first -= 1
    values = words.flags[first : last + 1]
    if words.words[first] in _NOT_FIRST or all(value & FUNCTION for value in values):
        return None
    if strict and all(value & (WORD | THING) and not value & FAMILY for value in values):
        return None
    if strict and values[0] & THING and not values[0] & (GIVEN | FAMILY):
        return None
    return first


def _trimmed(text: str, start: int, end: int) -> int:
    """`end` without the sign after the form; a dot of the form itself ("Inc.") stays."""
    while end > start and not text[end - 1].isalnum() and text[end - 1] != ".":
        end -= 1
    return end


def _following(words: Words, position: int, rule: str) -> Span | None:
    """The capitalised words at `position`, unless they are a person's, an ordinary word or a product's."""
    first = bisect_left(words.starts, position)
    if first == len(words.starts) or words.starts[first] != position or words.words[first] in _NOT_FIRST:
        return None
    last = first
    while last + 1 < len(words.starts) and last - first < _LONGEST - 1:
        start, end = words.ends[last], words.starts[last + 1]
        if end - start > 5 or words.text[start:end] not in _JOINTS - {", ", ". "} or words.flags[last + 1] & FUNCTION:
            break
        last += 1
    values = words.flags[first : last + 1]
    if values[0] & FUNCTION or all(value & WORD and not value & FAMILY for value in values):
        return None
    if last == first and values[0] & THING:
        return None
    if rule == "org-context" and values[0] & GIVEN and not values[0] & FAMILY:
        return None
    return Span(words.starts[first], words.ends[last], ORG, rule)


def _doubled(words: Words) -> Iterator[Span]:
    """ "Marsh-Delgado", "Hughes, Okafor and Lindqvist": family names in a row are a firm or its partners."""
    text, starts, ends = words.text, words.starts, words.ends
    for index, value in enumerate(words.flags):
        if not value & FAMILY:
            continue
        plain = not value & (WORD | THING)
        if plain and "-" in words.words[index] and not _EPONYM.match(text, ends[index], ends[index] + 24):
            yield Span(starts[index], ends[index], ORG, "org-double-name")
        three = words.flags[index : index + 3]
        if len(three) < 3 or not three[1] & three[2] & FAMILY or starts[index + 1] - ends[index] != 2:
            continue
        last_gap = text[ends[index + 1] : min(starts[index + 2], ends[index + 1] + 8)]
        if text[ends[index] : starts[index + 1]] != ", " or last_gap not in {" and ", " & ", " und "}:
            continue
        if sum(not one & (WORD | THING) for one in three) > 1:
            yield Span(starts[index], ends[index + 2], ORG, "org-partners")


_EPONYM = re.compile(
    r"(?:['’]s?)? (?:disease|syndrome|theorem|test|rule|algorithm|method|equation|distribution|model"
    r"|transform|effect|cells?|score|index|scale)\b"
)
