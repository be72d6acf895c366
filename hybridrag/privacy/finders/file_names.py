"""Names of people in the names of files, where everything is in lower case: `hr/john_smith_cv.pdf`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from hybridrag.privacy.finders.name_lists import FAMILY, GIVEN, THING, WORD, flags
from hybridrag.privacy.finders.patterns import LETTER, compiled, view
from hybridrag.types import Span

_ENDINGS = rb"pdf|docx?|odt|rtf|txt|md|html?|eml|msg|pptx?|odp|xlsx?|ods|csv|json|xml|zip|jpe?g|png|tiff?"
_FILE = rb"[" + LETTER + rb"0-9]+(?:[_.-]+[" + LETTER + rb"0-9]+)+[.](?:" + _ENDINGS + rb")\b"
_PART = re.compile(r"[^\W\d_]{3,}")


def file_names(text: str) -> Iterator[Span]:
    """PERSON: a given and a family name beside each other, in either order, in the name of a file of a usual kind."""
    data = view(text)
    if b"." not in data:
        return
    for match in compiled(_FILE).finditer(data):
        start, end = match.span()
        parts = list(_PART.finditer(text, start, end))
        for one, other in pairwise(parts):
            known = flags(one[0].capitalize()), flags(other[0].capitalize())
            if other.start() - one.end() == 1 and _is_name(*known):
                yield Span(one.start(), other.end(), "PERSON", "file-name")


def _is_name(one: int, other: int) -> bool:
    if (one | other) & (WORD | THING):
        return False
    return bool((one & GIVEN and other & FAMILY) or (one & FAMILY and other & GIVEN))
