"""What detection leaves readable on a labelled file: ours in the default and the strict mode, and Presidio's patterns.

    python benchmarks/privacy_leak.py --file LABELLED.json [--json FILE]

The file is a JSON list of objects with `full_text` and `spans`, each span with `entity_type`, `start_position` and
`end_position` (the form of Presidio's synthetic sets). A span is covered when all its letters and digits are; `in vain`
is the share of the characters outside of labelled spans that are masked. Presidio runs with all its recognisers of
English and no model, in this process, and opens no connection.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

STRUCTURED = frozenset(
    {
        "PHONE_NUMBER",
        "CREDIT_CARD",
        "IBAN_CODE",
        "US_SSN",
        "EMAIL_ADDRESS",
        "IP_ADDRESS",
        "US_DRIVER_LICENSE",
        "DOMAIN_NAME",
    }
)
"""What has a form of its own, by the names of Presidio's sets."""

CONNECTIONS: list[str] = []
"""One for each that this process opened, since `measure` began."""

Found = Iterable[tuple[int, int]]
"""Where something was found: start and end."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True, help="texts with labelled spans")
    parser.add_argument("--no-presidio", action="store_true", help="ours only")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    result = measure(options.file, presidio=not options.no_presidio)
    print(table(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(file: Path, *, presidio: bool = True) -> dict[str, Any]:
    """By way (`default`, `strict`, `presidio`): leak in all, of structured spans and by entity; in vain; MB/s."""
    sys.addaudithook(lambda event, _: CONNECTIONS.append(event) if event == "socket.connect" else None)
    rows = json.loads(file.read_text(encoding="utf-8"))
    ways: dict[str, Callable[[], Callable[[str], Found]]] = {"default": ours, "strict": lambda: ours(strict=True)}
    if presidio:
        ways["presidio"] = presidios
    return {"file": file.name, "texts": len(rows), "ways": {name: measured(rows, way()) for name, way in ways.items()}}


def measured(rows: Sequence[Mapping[str, Any]], find: Callable[[str], Found]) -> dict[str, Any]:
    opened = len(CONNECTIONS)
    find(rows[0]["full_text"])  # what is loaded at first use takes no time of the others
    started = time.process_time()
    found = [list(find(row["full_text"])) for row in rows]
    seconds = time.process_time() - started
    entities: dict[str, Counter[str]] = defaultdict(Counter)
    outside = masked_outside = 0
    for row, spans in zip(rows, found, strict=True):
        text = row["full_text"]
        masked, labelled = bytearray(len(text)), bytearray(len(text))
        for start, end in spans:
            masked[start:end] = b"\1" * (end - start)
        for span in row["spans"]:
            start, end = span["start_position"], span["end_position"]
            labelled[start:end] = b"\1" * (end - start)
            signs = [masked[at] for at in range(start, end) if text[at].isalnum()]
            entities[span["entity_type"]]["covered" if all(signs) else "partly" if any(signs) else "missed"] += 1
        outside += labelled.count(0)
        masked_outside += sum(1 for hit, wanted in zip(masked, labelled, strict=True) if hit and not wanted)
    return {
        "leak": leak(entities.values()),
        "structured leak": leak(counts for name, counts in entities.items() if name in STRUCTURED),
        "in vain": round(masked_outside / max(outside, 1), 4),
        "MB/s": round(sum(len(row["full_text"].encode()) for row in rows) / max(seconds, 1e-9) / 1e6, 3),
        "connections": len(CONNECTIONS) - opened,
        "entities": {
            name: {"spans": counts.total(), **{kind: counts[kind] for kind in ("covered", "partly", "missed")}}
            for name, counts in sorted(entities.items(), key=lambda item: -item[1].total())
        },
    }


def leak(entities: Iterable[Counter[str]]) -> float | None:
    """The share of spans that are not covered; None where there is none."""
    together = sum(entities, Counter[str]())
    return round(1 - together["covered"] / together.total(), 4) if together else None


def ours(*, strict: bool = False) -> Callable[[str], Found]:
    """The detectors that come with the program, as the gateway runs them."""
    from hybridrag.privacy import detectors as available
    from hybridrag.privacy.scanning import scan

    chosen = list(available.builtin_detectors())
    if strict:
        chosen += getattr(available, "strict_detectors", tuple)()
    return lambda text: [(span.start, span.end) for span in scan(text, chosen)]


def presidios() -> Callable[[str], Found]:
    """Presidio as `AnalyzerEngine().analyze` runs without a model: a blank pipeline that splits words."""
    import spacy
    import tldextract.tldextract as suffixes
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    # It would fetch a list of suffixes; the package brings one along.
    suffixes.TLD_EXTRACTOR = suffixes.TLDExtract(suffix_list_urls=(), cache_dir=None)
    engine: Any = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
    engine.nlp = {"en": spacy.blank("en")}
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    registry.remove_recognizer("SpacyRecognizer")
    analyser = AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=["en"])
    return lambda text: [(found.start, found.end) for found in analyser.analyze(text, language="en")]


def table(result: Mapping[str, Any]) -> str:
    """By entity: spans, and for each way those covered, partly covered and missed; then the totals."""
    ways = result["ways"]
    lines = [f"{result['file']}: {result['texts']} texts; covered / partly / missed", ""]
    lines.append(f"{'entity':<22}{'spans':>6}" + "".join(f"{name:>20}" for name in ways))
    for entity, first in next(iter(ways.values()))["entities"].items():
        cells = (way["entities"][entity] for way in ways.values())
        shown = "".join(f"{c['covered']} / {c['partly']} / {c['missed']}".rjust(20) for c in cells)
        lines.append(f"{entity:<22}{first['spans']:>6}{shown}")
    lines += [
        f"{name:<28}" + "".join(f"{'-' if way[name] is None else way[name]:>20}" for way in ways.values())
        for name in ("leak", "structured leak", "in vain", "MB/s", "connections")
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
