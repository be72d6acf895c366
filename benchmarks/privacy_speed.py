"""How fast texts are searched for personal data and credentials, on one core.

    python benchmarks/privacy_speed.py [FILE...] [--hostile 10]

Measures the FILEs given, or texts made here: prose, source, and prose full of personal data. `--hostile` is the
length, in millions of characters, of texts made to be costly; each is measured at that length and at a quarter of it.
"""

from __future__ import annotations

import argparse
import inspect
import json
import random
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.plaintext.encoded import decoded_blobs
from hybridrag.privacy.plaintext.normalise import normalise
from hybridrag.privacy.scanning import scan
from tests.privacy.hostile import HOSTILE

PASSAGES, PASSAGE = 10, 2_000
REPEATS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--hostile", type=float, default=0)
    options = parser.parse_args()
    texts = {path.name: path.read_text("utf-8") for path in options.files} or made_texts()
    print(json.dumps(measure(texts, hostile=int(options.hostile * 1e6)), indent=2))


def measure(texts: Mapping[str, str] | None = None, *, hostile: int = 0) -> dict[str, Any]:
    """By text: MB/s (UTF-8 bytes) of the whole scan, milliseconds of ten passages of 2,000 characters, and nanoseconds
    a character of each step. For hostile texts: seconds, and their growth from a quarter of the length."""
    detectors = builtin_detectors()
    result: dict[str, Any] = {}
    for name, text in (texts or made_texts()).items():
        scan(text[:PASSAGE], detectors)
        passages = [text[at : at + PASSAGE] for at in range(0, PASSAGES * PASSAGE, PASSAGE)]
        nanoseconds = 1e9 / len(text)
        result[name] = {
            "characters": len(text),
            "MB/s": round(len(text.encode()) / 1e6 / _seconds(lambda text=text: scan(text, detectors)), 2),
            "ten passages ms": round(_seconds(lambda some=passages: [scan(one, detectors) for one in some]) * 1000, 2),
            "normalise": round(_seconds(lambda text=text: normalise(text)) * nanoseconds, 1),
            "decode": round(_seconds(lambda text=text: list(decoded_blobs(text))) * nanoseconds, 1),
            **{
                detector.name: round(_seconds(lambda text=text, one=detector: list(one.detect(text))) * nanoseconds, 1)
                for detector in detectors
            },
        }
    if hostile:
        result["hostile"] = {name: _growth(name, hostile) for name in HOSTILE}
    return result


def _growth(name: str, size: int) -> dict[str, float]:
    detectors = builtin_detectors()
    quarter, whole = (_once(HOSTILE[name](length), detectors) for length in (size // 4, size))
    return {"seconds": round(whole, 2), "growth": round(whole / max(quarter, 0.001), 1)}


def _once(text: str, detectors: Any) -> float:
    started = time.process_time()
    scan(text, detectors)
    return time.process_time() - started


def _seconds(work: Any) -> float:
    """The least CPU time of three runs."""
    best = float("inf")
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def made_texts() -> dict[str, str]:
    """About half a million characters each: prose from the documentation of Python, its source, and letters."""
    modules = (argparse, inspect, textwrap, random, json)
    source = "\n".join(inspect.getsource(module) for module in modules)
    described = "\n".join(
        inspect.cleandoc(thing.__doc__)
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing.__doc__, str) and len(thing.__doc__) > 80
    )
    return {name: _filled(text) for name, text in (("prose", described), ("source", source), ("letters", _letters()))}


def _filled(text: str) -> str:
    return text * (500_000 // len(text) + 1)


def _letters() -> str:
    rng = random.Random(7)
    lines = [
        f"Dear Ms. Weber – your order {rng.randrange(10**6)} will be charged to card 4111 1111 1111 1111. Mail "
        f"k{rng.randrange(999)}@example.com or call +49 30 {rng.randrange(10**6, 10**7)}; "
        "IBAN DE89 3704 0044 0532 0130 00. "
        f"Herr Müller aus Köln hat am 12.03.2024 unterschrieben, die Prüfung läuft über 10.1.{rng.randrange(255)}.7."
        for _ in range(400)
    ]
    return "\n\n".join(lines)


if __name__ == "__main__":
    main()
