"""Answers kept: of the questions whose gold answer was retrieved, the share whose payload still holds it.

    python benchmarks/privacy_answers.py xquad/en xquad/de claude_docs --data FOLDER [--questions N] [--json FILE]

Each set is a BEIR folder under FOLDER whose queries.jsonl has an `answer`. It is ingested into a home of its own, which
is removed afterwards, and each question retrieves what `ask` does. The payload counts as holding an answer when its
restored text does, so what is pseudonymised counts and what is masked does not.

An answer that stands in a judged document word for word must stand in the payload so (letter case and punctuation
aside). One in other words is held by a text with at least four fifths of its words of four letters or more.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridrag.answering import passages_of, reduced
from hybridrag.config import load
from hybridrag.evaluation import load_beir
from hybridrag.flows.ingest import IngestOptions
from hybridrag.flows.progress import Silent
from hybridrag.flows.selection import SourceOptions
from hybridrag.types import Label, Query
from hybridrag.wiring import Wiring

SETS = ("xquad/en", "xquad/de", "claude_docs")
PASSAGES = 8
"""As many as `ask` retrieves."""
ENOUGH = 0.8
"""Share of the words of an answer in other words."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET", help=f"as given by default: {' '.join(SETS)}")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the sets")
    parser.add_argument("--questions", type=int, help="at most so many of each set, evenly spread (default: all)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    result = measure(options.data, options.sets, questions=options.questions)
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(data: Path, sets: Sequence[str] = SETS, *, questions: int | None = None) -> dict[str, Any]:
    """By set: shares of answers kept after redaction, and after reduction and redaction, with their denominators."""
    return {name: of_one_set(data / name, questions) for name in sets}


def of_one_set(folder: Path, questions: int | None) -> dict[str, Any]:
    home = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
    try:
        settings = load(flags={"collection": "benchmark"}, environ={"HYBRIDRAG_HOME": str(home)}, cwd=home)
        wiring = Wiring(settings, notify=lambda text: print(text, file=sys.stderr))
        try:
            wiring.ingesting.ingest(
                [str(folder / "corpus.jsonl")],
                source_options=SourceOptions(),
                options=IngestOptions(),
                progress=Silent(),
                stdin=io.BytesIO(),
                stdin_name=None,
            )
            asked = questions_of(folder)
            step = -(-len(asked) // questions) if questions else 1
            return counted([outcome(wiring, question) for question in asked[::step]])
        finally:
            wiring.store.close()
            if wiring.server is not None:
                wiring.server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Question:
    """`held` tells whether a text holds the answer."""

    text: str
    held: Callable[[str], bool]


def questions_of(folder: Path) -> list[Question]:
    dataset = load_beir(folder)
    texts = {key: words(text) for key, _, text in dataset.documents()}
    with (folder / "queries.jsonl").open(encoding="utf-8") as file:
        answers = {row["_id"]: row["answer"] for row in map(json.loads, file)}
    found = []
    for key, question in dataset.queries.items():
        phrase = words(answers[key])
        if any(phrase in texts[document] for document in dataset.qrels[key]):
            found.append(Question(question, lambda text, phrase=phrase: phrase in words(text)))  # type: ignore[misc]
        else:
            wanted = telling(answers[key])
            found.append(Question(question, lambda text, wanted=wanted: holds_most(wanted, text)))  # type: ignore[misc]
    return found


def outcome(wiring: Wiring, question: Question) -> dict[str, Any]:
    found = wiring.search(Query(question.text, k=PASSAGES, unit="passage"))
    passages = passages_of(found.hits)
    embedder = wiring.models.embedder_of(wiring.collection())
    query = embedder.embed_query(question.text)
    whole = joined(passages)
    started = time.perf_counter()
    session = wiring.gateway.open([question.text, *(passage.text for passage in passages)])
    redacted = session.redact(whole).text
    redacting = time.perf_counter() - started
    spans = {passage.marker: session.find(passage.text) for passage in passages}
    started = time.perf_counter()
    bounds = {label: wiring.gateway.policy.reduction(label).characters for label in Label}
    kept = reduced(passages, question.text, spans=spans, query=query, embed=embedder.embed_documents, characters=bounds)
    reducing = time.perf_counter() - started
    less = joined(kept)
    return {
        "retrieved": question.held(whole),
        "redacted": question.held(session.restore(redacted)),
        "reduced": question.held(session.restore(session.redact(less).text)),
        "only reduced": question.held(less),
        "characters": len(whole),
        "characters reduced": len(less),
        "redaction ms": redacting * 1000,
        "reduction ms": reducing * 1000,
    }


def joined(parts: Sequence[Any]) -> str:
    """The texts of passages as one. A word stands at each gap, so that no answer is found across one."""
    return "\n\n".join(part.text.replace("[…]", "omittedhere") for part in parts if part.text)


def counted(outcomes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    retrieved = [outcome for outcome in outcomes if outcome["retrieved"]]

    def share(name: str) -> float | None:
        return round(statistics.mean(outcome[name] for outcome in retrieved), 4) if retrieved else None

    before = sum(outcome["characters"] for outcome in outcomes)
    after = sum(outcome["characters reduced"] for outcome in outcomes)
    return {
        "questions": len(outcomes),
        "answer retrieved": len(retrieved),
        "kept after redaction": share("redacted"),
        "kept after reduction alone": share("only reduced"),
        "kept after reduction and redaction": share("reduced"),
        "characters before": round(before / len(outcomes)),
        "characters after reduction": round(after / len(outcomes)),
        "share of characters": round(after / before, 3),
        **{
            f"{step}, p50 ms": round(statistics.median(outcome[f"{step} ms"] for outcome in outcomes), 1)
            for step in ("redaction", "reduction")
        },
    }


# --- whether a text holds an answer ----------------------------------------------------------------------------------


def words(text: str) -> str:
    """The words of a text, for finding a phrase in it: case and punctuation aside, a blank around each word."""
    found = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    return f" {' '.join(found)} "


def telling(text: str) -> set[str]:
    return {word for word in words(text).split() if len(word) > 3}


def holds_most(wanted: set[str], text: str) -> bool:
    return bool(wanted) and len(wanted & telling(text)) >= ENOUGH * len(wanted)


if __name__ == "__main__":
    main()
