"""Every disguise times every type of value: what a reader or a model can still read is found."""

from __future__ import annotations

import random

import pytest

from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.scanning import scan
from tests.privacy.made_evasions import EVERYWHERE, OF_ADDRESSES, OF_DIGITS, VALUES, disguises

MISSES_ALLOWED = 0.01


@pytest.mark.parametrize("kind", VALUES)
def test_values_are_found_in_every_disguise(kind: str) -> None:
    detectors = builtin_detectors()
    missed, cases = [], 0
    for sentence, value in VALUES[kind]:
        for name, disguise in disguises(kind, value).items():
            hidden = disguise(random.Random(name), value)
            text = sentence.format(hidden)
            start = sentence.index("{}")
            inside = bytearray(len(text))
            for span in scan(text, detectors):
                inside[span.start : span.end] = b"\1" * (span.end - span.start)
            cases += 1
            if not all(inside[at] or not text[at].isalnum() for at in range(start, start + len(hidden))):
                missed.append((name, text))
    assert len(missed) <= cases * MISSES_ALLOWED, missed


def test_there_are_disguises_enough() -> None:
    assert len(EVERYWHERE) >= 20
    assert len(EVERYWHERE) + len(OF_ADDRESSES) + len(OF_DIGITS) >= 60
