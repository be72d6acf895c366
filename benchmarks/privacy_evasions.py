"""Values in disguise that are still found: every disguise times every type of value.

    python benchmarks/privacy_evasions.py [--draws 3]

A value counts as found when every visible character of its disguise lies in a found span. Prints the share by
disguise, and the misses.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from hybridrag.ports import Detector
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.scanning import scan
from tests.privacy.made_evasions import VALUES, disguises


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=3)
    print(json.dumps(measure(draws=parser.parse_args().draws), indent=2, ensure_ascii=False))


def measure(*, draws: int = 3) -> dict[str, Any]:
    """Shares between 0 and 1: of all cases, by type, and the disguises that miss one with the types they miss."""
    cases = [(name, kind, found) for name, kind, found in results(builtin_detectors(), draws)]
    kinds = sorted({kind for _, kind, _ in cases})
    missed: dict[str, list[str]] = {}
    for name, kind, found in cases:
        if not found and kind not in missed.setdefault(name, []):
            missed[name].append(kind)
    return {
        "disguises": len({name for name, _, _ in cases}),
        "cases": len(cases),
        "found": _share([found for _, _, found in cases]),
        "by type": {kind: _share([found for _, other, found in cases if other == kind]) for kind in kinds},
        "missed": missed,
    }


def results(detectors: Sequence[Detector], draws: int) -> Iterator[tuple[str, str, bool]]:
    """(disguise, type, found) of every case."""
    for kind, examples in VALUES.items():
        for number, (sentence, value) in enumerate(examples):
            for name, disguise in disguises(kind, value).items():
                for draw in range(draws):
                    hidden = disguise(random.Random(draw + 10 * number), value)
                    yield name, kind, covered(sentence, hidden, detectors)


def covered(sentence: str, hidden: str, detectors: Sequence[Detector]) -> bool:
    """Whether all letters and digits of `hidden`, put into the sentence, lie in found spans."""
    text = sentence.format(hidden)
    start = sentence.index("{}")
    inside = bytearray(len(text))
    for span in scan(text, detectors):
        inside[span.start : span.end] = b"\1" * (span.end - span.start)
    return all(inside[at] or not text[at].isalnum() for at in range(start, start + len(hidden)))


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / len(found), 4)


if __name__ == "__main__":
    main()
