"""Work grows with the length of a text and no faster, whatever it holds."""

from __future__ import annotations

import time

import pytest

from hybridrag.privacy.detectors import secrets
from hybridrag.privacy.plaintext.encoded import decoded_blobs
from hybridrag.privacy.plaintext.normalise import normalise
from tests.privacy.hostile import HOSTILE

SMALL, LARGE = 15_000, 60_000
GENEROUS = 14


@pytest.mark.parametrize("name", HOSTILE)
def test_four_times_the_text_is_not_sixteen_times_the_work(name: str) -> None:
    make = HOSTILE[name]
    seconds = {size: min(_work(make(size)) for _ in range(3)) for size in (SMALL, LARGE)}
    # A clock tick or a table filled for the first time is no growth.
    assert seconds[LARGE] < GENEROUS * max(seconds[SMALL], 0.005)


def _work(text: str) -> float:
    """CPU seconds of this process, less disturbed by its neighbours than the wall clock."""
    started = time.process_time()
    normal = normalise(text)
    list(secrets().detect(normal.text))
    for _ in decoded_blobs(normal.text):
        pass
    return time.process_time() - started
