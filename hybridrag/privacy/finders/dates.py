"""Dates to the day: ISO 8601, numeric with any separator, and with the month's name in ten languages."""

from __future__ import annotations

from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.privacy.finders.street_words import alternatives
from hybridrag.types import Span

_MONTHS = alternatives(
    "January February March April May June July August September October November December Jan Feb Mar Apr Jun Jul Aug "
    "Sep Sept Oct Nov Dec Januar Jänner Februar Feber März Mai Juni Juli Oktober Dezember Jän Mär Mrz Okt Dez "
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre enero febrero marzo abril "
    "mayo "
    "junio julio agosto septiembre octubre noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre "
    "ottobre dicembre janeiro fevereiro março maio junho julho setembro outubro novembro dezembro januari februari "
    "maart "
    "mei augustus stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia "
    "januar februar marts maj oktober december tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta "
    "heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta"
)
_DAY = rb"(?:0?[1-9]|[12][0-9]|3[01])"
_YEAR = rb"(?:1[4-9][0-9]{2}|20[0-9]{2})"
MONTH_NAMED = (
    rb"(?:"
    + _DAY
    + rb"(?:st|nd|rd|th|\.|er|\xa4)?[ -]{0,2}(?:of[ ]|de[ ])?(?i:"
    + _MONTHS
    + rb")\b\.?[ ,-]{0,2}(?:de[ ]|del[ ]|of[ ]|')?"
    rb"(?:" + _YEAR + rb"|[0-9]{2})\b"
    rb"|(?i:"
    + _MONTHS
    + rb")\.?[ -]{1,2}(?:the[ ])?"
    + _DAY
    + rb"(?:st|nd|rd|th)?(?:,[ ]?|[ -]{1,2}|[ ]of[ ])"
    + _YEAR
    + rb"\b)"
)
NUMERIC = (
    rb"(?:"
    + _YEAR
    + rb"(?:[-/.][ ]?(?:0?[1-9]|1[0-2])[-/.][ ]?"
    + _DAY
    + rb"\b|\xa5[ ]?[0-9]{1,2}\xa5[ ]?[0-9]{1,2}\xa5)"
    rb"|" + _DAY + rb"[ ]?[-/.][ ]?(?:0?[1-9]|1[0-2])[ ]?[-/.][ ]?(?:" + _YEAR + rb"|[0-9]{2})\b"
    rb"|(?:0?[1-9]|1[0-2])[ ]?[-/.][ ]?" + _DAY + rb"[ ]?[-/.][ ]?(?:" + _YEAR + rb"|[0-9]{2})\b)"
)
DAY_MONTH = (
    rb"(?:"
    + _DAY
    + rb"(?:st|nd|rd|th|\.)?[ ](?:of[ ])?(?i:"
    + _MONTHS
    + rb")\b|(?i:"
    + _MONTHS
    + rb")[ ]"
    + _DAY
    + rb"(?:st|nd|rd|th)?\b)"
)
TIME = (
    rb"(?:(?:T|[ ]{1,2}|,[ ]|[ ]at[ ])[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?(?:Z"
    rb"|[ ]?[AaPp][Mm]\b|[+-][0-9]{2}:?[0-9]{2})?)?"
)
DATE = rb"(?:" + MONTH_NAMED + rb"|" + NUMERIC + rb")"
_FULL = rb"(?:^|[^0-9A-Za-z\xe9./-])(" + DATE + TIME + rb")(?:[^0-9A-Za-z/-]|$)"


def strict_dates(text: str) -> Iterator[Span]:
    """DATE: every date in `text` that names its day, with its time. Two digits may stand for the year after a month's
    name; between dots and bars only a whole year counts, or every release number would be a date."""
    data = view(text)
    if compiled(rb"[0-9][0-9]").search(data) is None:
        return
    position = 0
    pattern = compiled(_FULL)
    while (match := pattern.search(data, position)) is not None:
        start, end = match.span(1)
        if compiled(_YEAR + rb"|[A-Za-z]").search(data, start, end) is not None:
            yield Span(start, end, "DATE", "strict-date")
        position = end
