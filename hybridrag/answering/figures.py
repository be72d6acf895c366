"""Numbers in a text with what they count, in any usual spelling: 1,500 = 1.500 = 1.5k = 1500, 2 h = 120 minutes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {
    word: float(number)
    for number, words in enumerate(
        (
            "zero null",
            "one eins",
            "two zwei twice zweimal",
            "three drei thrice dreimal",
            "four vier viermal",
            "five fünf fünfmal",
            "six sechs sechsmal",
            "seven sieben",
            "eight acht",
            "nine neun",
            "ten zehn",
            "eleven elf",
            "twelve zwölf",
            "thirteen dreizehn",
            "fourteen vierzehn",
            "fifteen fünfzehn",
            "sixteen sechzehn",
            "seventeen siebzehn",
            "eighteen achtzehn",
            "nineteen neunzehn",
            "twenty zwanzig",
        )
    )
    for word in words.split()
}
_WORDS |= {word: 10.0 * (2 + place) for place, word in enumerate(_TENS)}
_WORDS |= {
    word: 10.0 * (3 + place) for place, word in enumerate(["dreißig", "vierzig", "fünfzig", "sechzig", "siebzig"])
}
_WORDS |= {"achtzig": 80.0, "neunzig": 90.0, "hundred": 100.0, "hundert": 100.0, "dozen": 12.0, "dutzend": 12.0}
_WORDS |= {"half": 0.5, "quarter": 0.25, "once": 1.0, "einmal": 1.0, "both": 2.0, "beide": 2.0, "beiden": 2.0}
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_WORDS |= {word: float(place) for place, word in enumerate(_ORDINALS, start=1)}
_GERMAN_ORDINALS = ("erst", "zweit", "dritt", "viert", "fünft")
_WORDS |= {
    stem + end: float(place)
    for place, stem in enumerate(_GERMAN_ORDINALS, start=1)
    for end in ("e", "en", "er", "es", "em")
}
NUMBER_WORDS = frozenset(_WORDS)
_LOOSE = {
    *["one", "eins", "null", "half", "quarter", "once", "einmal", "both", "beide", "beiden", "first", "second", "ten"],
    *_ORDINALS,
} | {word for word in _WORDS if word.startswith(("erst", "zweit", "dritt"))} - {"ten"}
"""Words that mean a number only now and then: evidence for one, but nothing that a claim must account for."""
_HAN = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_HAN_TENS = {"十": 10, "百": 100, "千": 1000}

_SCALES: dict[str, tuple[float, ...]] = {
    "k": (1e3,), "thousand": (1e3,), "tausend": (1e3,), "千": (1e3,), "hundred": (100.0,), "hundert": (100.0,),
    "million": (1e6,), "millions": (1e6,), "millionen": (1e6,), "mio": (1e6,), "mn": (1e6,), "万": (1e4,), "萬": (1e4,),
    "billion": (1e9, 1e12), "billions": (1e9,), "billionen": (1e12,), "bn": (1e9,), "mrd": (1e9,), "亿": (1e8,),
    "milliarde": (1e9,), "milliarden": (1e9,), "trillion": (1e12, 1e18), "trillions": (1e12,), "百万": (1e6,),
    "dozen": (12.0,), "m": (1e6, 1.0), "b": (1e9, 1.0),
}  # fmt: skip
"""By what a word multiplies the number before it; several where languages differ."""

_UNITS: dict[str, tuple[str, tuple[float, ...]]] = {}
for _dimension, _rows in {
    "time": "1e-3:毫秒,ms,millisecond,milliseconds,millisekunde,millisekunden "
    "1:s,sec,secs,second,seconds,sekunde,sekunden,秒 "
    "60:min,mins,minute,minutes,minuten,分钟 3600:h,hr,hrs,hour,hours,stunde,stunden,小时 "
    "86400:day,days,daily,tag,tage,tagen,天 604800:week,weeks,woche,wochen,周 "
    "2629800:month,months,monat,monate,monaten,个月 31557600:year,years,yr,yrs,jahr,jahre,jahren",
    "bytes": "1:byte,bytes,字节 1000/1024:kb,kib,kilobyte,kilobytes 1e6/1048576:mb,mib,megabyte,megabytes "
    "1e9/1073741824:gb,gib,gigabyte,gigabytes 1e12/1099511627776:tb,tib,terabyte,terabytes",
    "%": "1:%,percent,prozent,per_cent,pct,％,百分点",
    "$": "1:$,usd,dollar,dollars,美元 0.01:cent,cents",
    "€": "1:€,eur,euro,euros,欧元",
    "£": "1:£,gbp,pound,pounds,pfund,英镑",
    "¥": "1:¥,jpy,yen,cny,yuan,元,日元",
    "chf": "1:chf,franken",
    "length": "1e-3:mm,millimetre,millimetres,millimeter,millimeters "
    "1e-2:cm,centimetre,centimetres,centimeter,centimeters "
    "1e-2:zentimeter "
    "1:m,metre,metres,meter,meters,米 1e3:km,kilometre,kilometres,kilometer,kilometers,公里,千米 "
    "1609.344:mile,miles,meile,meilen,mi,英里 0.3048:ft,foot,feet 0.0254:inch,inches,zoll 0.9144:yd,yard,yards",
    "mass": "1e-6:mg,milligram,milligrams 1e-3:g,gram,grams,gramm 1:kg,kilogram,kilograms,kilogramm,公斤 "
    "1000:t,tonne,tonnes,tonnen 0.45359237:lb,lbs 1e-9:µg,μg",
    "°c": "1:°c,celsius",
    "°f": "1:°f,fahrenheit",
    "px": "1:px,pixel,pixels 1000000:megapixel,megapixels",
    "frequency": "1:hz 1e3:khz 1e6:mhz 1e9:ghz",
    "power": "1:w,watt,watts 1e3:kw 1e6:mw",
}.items():  # fmt: skip
    for _row in _rows.split():
        _factors, _names = _row.split(":", 1)
        _UNITS |= {name: (_dimension, tuple(map(float, _factors.split("/")))) for name in _names.split(",")}

_DIGITS = r"\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?![\d])|\d+(?:[.,]\d+)*"
_AFTER = r"(?P<gap>[ \u00a0\u202f-]?)(?P<after>[%％]|[€£$¥](?!\s?\d)|°\s?[CF]|per cent\b|[^\W\d_]{1,14})?"
_NUMBER = re.compile(
    rf"(?P<before>(?:USD|EUR|GBP|US\$|[$€£¥])\s?)?(?<![A-Za-zÀ-ÿ0-9_.,])(?P<sign>(?:(?<=[\s(])|^)[-−]|"
    rf"\bminus\s)?(?P<digits>{_DIGITS})"
    rf"(?![\d]){_AFTER}",
    re.IGNORECASE,
)
_NEXT = re.compile(r"[ \u00a0\u202f-]?(?P<after>[%％€£$¥]|[^\W\d_]{1,14})")
_WORD = re.compile(
    r"(?<![\w-])(?P<word>(?:" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r"))(?:[- ](?P<and>"
    r"one|two|three|four|five|six|seven|eight|nine)\b)?(?!\w)" + _AFTER,
    re.IGNORECASE,
)
_HAN_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百千]{1,8}(?P<scale>[万亿])?")
_HEDGE = re.compile(
    r"(?:about|around|approximately|roughly|nearly|almost|over|more than|some|circa|ca\.|etwa|rund|knapp|"
    r"ungefähr|über|mehr als|fast|约|~|≈)"
    r"\s*(?:[$€£¥]\s?)?\Z",
    re.IGNORECASE,
)
_ROUNDED = 0.05
"""How far a number with `about` before it may be from the true one."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number. `values` are what it may mean, in the base unit of its `dimension`, which is empty where none is known.

    `bare` are the same without the unit. `loose` is true for a word that often means no number (one, second).
    """

    start: int
    end: int
    bare: frozenset[float]
    values: frozenset[float]
    dimension: str = ""
    hedged: bool = False
    loose: bool = False

    def equals(self, other: Figure) -> bool:
        """Whether both are the same amount. A number of unknown unit is only compared as a number."""
        if self.dimension and other.dimension:
            return self.dimension == other.dimension and self._near(self.values, other.values)
        return self._near(self.bare, other.bare)

    def _near(self, mine: frozenset[float], theirs: frozenset[float]) -> bool:
        share = _ROUNDED if self.hedged else 1e-9
        return any(abs(one - two) <= share * max(abs(one), abs(two)) for one in mine for two in theirs)


_PERIODS = {
    "second": "second|sekunde|秒", "minute": "minute|minutely|分钟", "hour": "hour|hourly|stunde|stündlich|小时",
    "day": "day|daily|tag|täglich|night|nacht|天|日", "week": "week|weekly|woche|wöchentlich|周",
    "month": "month|monthly|monat|monatlich|月",
    "year": "year|yearly|annual|annually|annum|jahr|jährlich|年",
}  # fmt: skip
_PERIOD = re.compile(
    "|".join(rf"(?P<{name}>\b(?:{words})(?:e[mnrs]?)?\b)" for name, words in _PERIODS.items()), re.IGNORECASE
)
_RATE = re.compile(
    rf"(?:\b(?:per|each|every|pro|je|jede[mnrs]?)\s|\d\s?[^\W\d_]{{1,20}}\s(?:an?|im)\s|(?<=\w)/(?=\w))\s?(?P<period>{_PERIOD.pattern})",
    re.IGNORECASE,
)


def rates_of(text: str) -> list[tuple[str, str]]:
    """The periods in which amounts of a text recur (`per month`), each as it is written and by its name."""
    return [(match[0].lstrip("0123456789 "), _period(match)) for match in _RATE.finditer(text)]


def periods_of(text: str) -> frozenset[str]:
    """Every period that a text speaks of by itself: `a month`, `monthly`, not `three months`."""
    return frozenset(_period(match) for match in _PERIOD.finditer(text))


def _period(match: re.Match[str]) -> str:
    return next(name for name in _PERIODS if match[name])


def figures_of(text: str, covered: Sequence[tuple[int, int]] = ()) -> list[Figure]:
    """The numbers of a text, in order, but for those inside `covered` spans, such as dates."""
    taken = bytearray(len(text))
    for start, end in covered:
        taken[start:end] = b"\1" * (end - start)
    found = [
        figure
        for figure in (*_numerals(text), *_in_words(text), *_in_han(text))
        if not any(taken[figure.start : figure.end])
    ]
    return sorted(found, key=lambda figure: figure.start)


def borne_out(figure: Figure, evidence: Sequence[Figure]) -> bool:
    """Whether the evidence has that amount. Where that number has another unit, one without any is too little."""
    equal = [other for other in evidence if figure.equals(other)]
    if not figure.dimension or any(other.dimension for other in equal):
        return bool(equal)
    clashing = (other for other in evidence if other.dimension and figure.bare & other.bare)
    return bool(equal) and not any(True for _ in clashing)


def _numerals(text: str) -> Iterator[Figure]:
    for match in _NUMBER.finditer(text):
        values = _readings(match["digits"])
        if match["sign"]:
            values = {-value for value in values}
        figure = Figure(match.start("digits"), match.end("digits"), frozenset(values), frozenset(values))
        after = (match["after"] or "").casefold()
        attached = not match["gap"] and after and after[0].isascii()
        if attached and not (after in _SCALES or after in _UNITS or after in _ATTACHED):
            continue  # part of a name: 4o, 2FA
        hedged = bool(_HEDGE.search(text[max(0, match.start() - 20) : match.start()]))
        yield _counting(replace(figure, hedged=hedged), match, text)


_ATTACHED = {"st", "nd", "rd", "th", "s", "er", "x", "fach", "fold", "ers"}


def _counting(figure: Figure, match: re.Match[str], text: str) -> Figure:
    """The figure with the multiplier and the unit that stand after it, or the currency before it."""
    after, end = (match["after"] or "").casefold().replace(" ", "_"), match.end("after")
    if match["gap"] == "" and after == "s":
        return figure  # 1990s
    if after and not after[0].isascii() and (scale := next((after[:n] for n in (2, 1) if after[:n] in _SCALES), "")):
        after, end = scale, match.start("after") + len(scale)
    if after in _SCALES and not (after in {"m", "b"} and match["gap"]):
        scaled = frozenset(value * factor for value in figure.bare for factor in _SCALES[after])
        figure = replace(figure, bare=scaled, values=scaled, end=end)
        following = _NEXT.match(text, end)
        after, end = ("", end) if following is None else (following["after"].casefold(), following.end())
    unit = _unit(after)
    if unit is None and match.groupdict().get("before"):
        unit = _UNITS[
            match["before"].casefold().strip().removeprefix("us")
            if "$" in match["before"]
            else match["before"].casefold().strip()
        ]
    if unit is None:
        return figure
    dimension, factors = unit
    values = frozenset(value * factor for value in figure.bare for factor in factors)
    return replace(figure, values=values, dimension=dimension, end=max(figure.end, end if _unit(after) else 0))


def _unit(after: str) -> tuple[str, tuple[float, ...]] | None:
    """The unit that a word names, or begins with where a script has no blanks."""
    if after in _UNITS:
        return _UNITS[after]
    if after and not after[0].isascii():
        return next((_UNITS[after[:n]] for n in (2, 1) if after[:n] in _UNITS), None)
    return None


def _readings(digits: str) -> set[float]:
    """What digits may mean: 1,500 is fifteen hundred to some and one and a half to others."""
    plain = re.sub(r"[ \u00a0\u202f'’]", "", digits)
    marks = [c for c in plain if not c.isdigit()]
    if not marks:
        return {float(plain[:300])}
    last = marks[-1]
    groups = re.split(r"[.,]", plain)
    if len(set(marks)) == 2 and marks.count(last) == 1:
        return {float("".join(groups[:-1])[:300] + "." + groups[-1])}
    if all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3:
        whole = float("".join(groups)[:300])
        return {whole, float(groups[0] + "." + groups[1])} if len(marks) == 1 else {whole}
    if len(marks) == 1:
        return {float(plain.replace(",", ".")[:300])}
    return {float(group[:300]) for group in groups}


def _in_words(text: str) -> Iterator[Figure]:
    for match in _WORD.finditer(text):
        word = match["word"].casefold()
        value = _WORDS[word] + (_WORDS[match["and"].casefold()] if match["and"] else 0)
        values = frozenset({value})
        figure = Figure(match.start("word"), match.end("and") if match["and"] else match.end("word"), values, values)
        yield replace(_counting(figure, match, text), loose=word in _LOOSE and not match["and"])


def _in_han(text: str) -> Iterator[Figure]:
    """Chinese numerals; all are loose, since the same signs are parts of words."""
    for match in _HAN_NUMBER.finditer(text):
        total = current = 0
        for sign in match[0].removesuffix(match["scale"] or ""):
            if sign in _HAN_TENS:
                total, current = total + (current or 1) * _HAN_TENS[sign], 0
            else:
                current = current * 10 + _HAN[sign] if current else _HAN[sign]
        values = frozenset({(total + current) * _SCALES.get(match["scale"] or "", (1.0,))[0]})
        yield Figure(match.start(), match.end(), values, values, loose=True)
