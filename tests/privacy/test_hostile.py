"""Work grows with the length of a text and no faster, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hybridrag.privacy.detectors import secrets
from hybridrag.privacy.plaintext.encoded import decoded_blobs
from hybridrag.privacy.plaintext.normalise import normalise
from tests.privacy.hostile import HOSTILE, TICK, seconds

SMALL, LARGE = 15_000, 60_000
GENEROUS = 14


@pytest.mark.parametrize("name", HOSTILE)
def test_four_times_the_text_is_not_sixteen_times_the_work(name: str) -> None:
    make = HOSTILE[name]
    small, large = (seconds(_search, make(size), runs=3) for size in (SMALL, LARGE))
    assert large < GENEROUS * max(small, TICK)


def _search(text: str) -> Iterator[object]:
    normal = normalise(text)
    yield from secrets().detect(normal.text)
    yield from decoded_blobs(normal.text)
