"""What may stand in one condition of a filter: the fields, how each compares, and the values it takes."""

from __future__ import annotations

import difflib
import re
from typing import Literal

from hybridrag.globs import wildcards
from hybridrag.periods import FORMS, is_calendar_date, period
from hybridrag.types import Clause, Label

FIELDS = ("path", "source", "type", "label", "language", "title", "date")
WILDCARDS = 32
"""At most so many in one value: a pattern of thousands takes PostgreSQL milliseconds a document."""
_ORDERED = ("label", "date", "meta.")
_LANGUAGES = {
    "arabic": "ar", "chinese": "zh", "dutch": "nl", "english": "en", "french": "fr", "german": "de", "hindi": "hi",
    "italian": "it", "japanese": "ja", "korean": "ko", "polish": "pl", "portuguese": "pt", "russian": "ru",
    "spanish": "es", "swedish": "sv", "turkish": "tr", "ukrainian": "uk",
}  # fmt: skip
"""For advice alone: any two letters are taken."""


class Unfit(Exception):
    """A condition that means nothing: which part of it is wrong, why, and what to write instead."""

    def __init__(self, part: Literal["field", "comparison", "value"], message: str, hint: str) -> None:
        super().__init__(message)
        self.part = part
        self.message = message
        self.hint = hint


def check(clause: Clause, *, quoted: bool) -> None:
    """Raises Unfit for a condition that no document could meet. `quoted` tells that the value stood in quotes."""
    field, comparison, value = clause.field, clause.comparison, clause.value
    if field not in FIELDS and not (field.startswith("meta.") and field != "meta."):
        raise Unfit("field", f"unknown field {_shown(field)}", _advice_on_field(field))
    if comparison in {"<", "<=", ">", ">="} and not field.startswith(_ORDERED):
        raise Unfit("comparison", f"{field} has no order", f"compare {field} by :, = or !=")
    if not value:
        raise Unfit("value", "an empty value matches nothing", "give a value or a glob")
    if field == "label":
        _check_label(value)
    elif field == "date":
        _check_date(value)
    elif comparison == ":":
        _check_glob(value)
    elif comparison in {"=", "!="}:
        _check_exact(clause, quoted=quoted)
    else:
        _check_metadata_order(value)
    if field == "language" and not (comparison == ":" and wildcards(value)):
        _check_language(value)


def is_glob(clause: Clause) -> bool:
    """Whether a condition needs a pattern, and not a comparison with one value."""
    return clause.comparison == ":" and clause.field not in {"label", "date"} and wildcards(clause.value) > 0


def _advice_on_field(field: str) -> str:
    if field.startswith("-") and field[1:]:
        return f"to leave documents out, write: not {field[1:]}:..."
    close = difflib.get_close_matches(field.lower(), [*FIELDS, "meta."], n=1, cutoff=0.65)
    return f"did you mean {close[0]}?" if close else f"fields: {', '.join(FIELDS)}; for metadata: meta.{_cut(field)}"


def _check_label(value: str) -> None:
    try:
        Label.parse(value)
    except ValueError:
        names = [*Label, "restricted", "secret"]
        close = difflib.get_close_matches(value.lower(), names, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise Unfit("value", f"unknown label {_shown(value)}", f"{hint}labels: {', '.join(Label)}") from None


def _check_language(value: str) -> None:
    if re.fullmatch("[A-Za-z]{2}", value):
        return
    # `de-AT` is looked up by its language, `Germn` by its name.
    code = re.match(r"([a-z]{2})[-_]", value.lower())
    close = difflib.get_close_matches(value.lower(), _LANGUAGES, n=1)
    likely = code[1] if code else _LANGUAGES[close[0]] if close else ""
    hint = f"did you mean {likely}?" if likely else "languages are two letters (ISO 639-1): de, en, zh"
    raise Unfit("value", f"unknown language {_shown(value)}", hint)


def _check_date(value: str) -> None:
    try:
        period(value)
    except ValueError:
        raise Unfit("value", f"{_shown(value)} is no date", FORMS) from None


def _check_glob(value: str) -> None:
    if (number := wildcards(value)) > WILDCARDS:
        raise Unfit("value", f"{number} wildcards in one value", f"at most {WILDCARDS}")


def _check_exact(clause: Clause, *, quoted: bool) -> None:
    if wildcards(clause.value) and not quoted:
        glob = f"{'not ' * (clause.comparison == '!=')}{clause.field}:{clause.value}"
        hint = f"for a glob write {_cut(glob)}; put the value in quotes to mean it as it stands"
        raise Unfit("value", f"{clause.comparison} takes no wildcards", hint)


def _check_metadata_order(value: str) -> None:
    """Metadata keeps dates as they were written, often without a zone: a time of day would promise too much."""
    if re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]", value):
        raise Unfit("value", "metadata is compared by day", f"leave the time away: {value[:10]}")
    if is_calendar_date(value):
        _check_date(value)


def _shown(text: str) -> str:
    return repr(_cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
