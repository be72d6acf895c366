"""Work grows with the length of a text and no faster, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hybridrag.privacy.detectors import secrets
from hybridrag.privacy.plaintext.encoded import decoded_blobs
from hybridrag.privacy.plaintext.normalise import normalise
from tests.privacy.hostile import HOSTILE, takes_less

SMALL, LARGE = 15_000, 60_000
GENEROUS = 14


@pytest.mark.parametrize("name", HOSTILE)
def test_four_times_the_text_is_not_sixteen_times_the_work(name: str) -> None:
    make = HOSTILE[name]
    assert takes_less(GENEROUS, _search, small=make(SMALL), large=make(LARGE), runs=3)


def _search(text: str) -> Iterator[object]:
    normal = normalise(text)
    yield from secrets().detect(normal.text)
    yield from decoded_blobs(normal.text)
