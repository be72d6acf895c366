"""Whether what nobody answers is declined: questions asked with and without the documents that answer them.

    python benchmarks/abstention.py FOLDER... [--pages] [--splits 3] [--questions 200] [--embedder NAME]

Each FOLDER is a BEIR folder. A random third of its documents is held back, the others are ingested and searched as
`ask` does. A question all of whose documents are held back is unanswerable, one with a document left is answerable.
`--pages` takes the Markdown files of FOLDER/pages as the documents instead, each the page of the addresses that end as
its name does. Everything runs in a temporary home, which is removed afterwards. Beside it: what a cosine declines.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridrag.answering.abstention import Answerability
from hybridrag.config import load
from hybridrag.evaluation import load_beir
from hybridrag.evaluation.intervals import mean_interval
from hybridrag.flows.abstain import calibration_of, judged
from hybridrag.flows.extract import extract
from hybridrag.flows.ingest import IngestOptions
from hybridrag.flows.progress import Silent
from hybridrag.flows.selection import SourceOptions
from hybridrag.types import Query
from hybridrag.wiring import Wiring

HELD_BACK = 1 / 3
COSINES = (0.3, 0.4, 0.5, 0.6)
"""Fixed thresholds, as users set them by hand."""
THRESHOLDS = tuple(round(0.6 + 0.04 * step, 2) for step in range(20))
"""Of the score, for the whole curve."""
CITATIONS = 3


@dataclass(frozen=True)
class Library:
    """Documents by key, as files that can be ingested, and questions with the keys that answer each."""

    name: str
    documents: Mapping[str, str]
    jsonl: bool
    questions: Mapping[str, tuple[str, frozenset[str]]]

    def write(self, folder: Path, keys: Iterable[str]) -> Path:
        """The documents of those keys in a folder, as they are to be ingested."""
        folder.mkdir(parents=True)
        if self.jsonl:
            (folder / "corpus.jsonl").write_text("".join(self.documents[key] for key in keys), encoding="utf-8")
            return folder / "corpus.jsonl"
        for key in keys:
            (folder / key).write_text(self.documents[key], encoding="utf-8")
        return folder


@dataclass(frozen=True)
class Asked:
    """A question that was asked in one split."""

    question: str
    answerable: bool
    judged: Answerability
    cosine: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--pages", action="store_true", help="the documents are the files in FOLDER/pages")
    parser.add_argument("--splits", type=int, default=3, help="times a third is held back")
    parser.add_argument("--first", type=int, default=0, help="number of the first split")
    parser.add_argument("--questions", type=int, default=200, help="of each kind, at most, in each split")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    options = parser.parse_args()
    for folder in options.folders:
        library = pages(folder) if options.pages else beir(folder)
        splits = range(options.first, options.first + options.splits)
        result = {
            "set": library.name,
            "documents": len(library.documents),
            **declined(library, splits, most=options.questions, embedder=options.embedder),
            "expected source cited": cited(library, most=options.questions, embedder=options.embedder),
        }
        print(json.dumps(result, indent=2), flush=True)


def beir(folder: Path) -> Library:
    dataset = load_beir(folder)
    lines = {str(json.loads(line)["_id"]): line for line in dataset.corpus.open(encoding="utf-8") if line.strip()}
    gold = {query: frozenset(k for k, g in grades.items() if g > 0) for query, grades in dataset.qrels.items()}
    asked = {query: (text, gold[query]) for query, text in dataset.queries.items() if gold[query]}
    return Library("/".join(folder.parts[-2:]), lines, True, asked)


def pages(folder: Path) -> Library:
    documents = {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / "pages").glob("*.md"))}
    whole = beir(folder)
    asked = {
        query: (text, frozenset(page_of(address, documents) for address in gold))
        for query, (text, gold) in whole.questions.items()
    }
    return Library(f"{folder.name}/pages", documents, False, asked)


def page_of(address: str, names: Iterable[str]) -> str:
    """The file whose name is the longest end of an address, its slashes written as underscores."""
    written = address.partition("#")[0].replace("://", "_").replace("/", "_") + ".md"
    return max((name for name in names if written.endswith(name)), key=len)


def declined(library: Library, splits: Iterable[int], *, most: int, embedder: str) -> dict[str, object]:
    asked: list[Asked] = []
    thresholds, milliseconds, measured = [], [], []
    for split in splits:
        draw = random.Random(split)
        keys = sorted(library.documents)
        held = set(draw.sample(keys, round(HELD_BACK * len(keys))))
        with indexed(library, [key for key in keys if key not in held], embedder=embedder) as wiring:
            started = time.perf_counter()
            calibration = calibration_of(wiring.store, "benchmark", open_embedder=wiring.models.embedder_of)
            measured.append(time.perf_counter() - started)
            thresholds.append(calibration.threshold)
            for answerable in (False, True):
                questions = sorted(q for q, (_, gold) in library.questions.items() if (gold <= held) != answerable)
                for question in draw.sample(questions, min(most, len(questions))):
                    found = wiring.search(Query(library.questions[question][0], k=8, unit="passage"))
                    started = time.perf_counter()
                    verdict = judged(found, store=wiring.store, calibration=calibration)
                    milliseconds.append((time.perf_counter() - started) * 1000)
                    cosine = max((hit.arms["dense"].score for hit in found.hits if "dense" in hit.arms), default=0.0)
                    asked.append(Asked(question, answerable, verdict, cosine))
    tenth = sum(a.answerable for a in asked) // 10
    cosine_at_a_tenth = sorted(each.cosine for each in asked if each.answerable)[tenth]
    return {
        "asked": {"unanswerable": sum(not a.answerable for a in asked), "answerable": sum(a.answerable for a in asked)},
        "thresholds": [round(threshold, 3) for threshold in thresholds],
        "auc": round(auc([(a.judged.score, a.answerable) for a in asked]), 3),
        "declined": shares(asked, lambda a: a.judged.weak),
        "a tenth of the answerable falls below": sorted(a.judged.score for a in asked if a.answerable)[tenth],
        "declined below, unanswerable and answerable": {str(it): curve_at(asked, it) for it in THRESHOLDS},
        "hopeless": shares(asked, lambda a: a.judged.hopeless),
        "cosine auc": round(auc([(a.cosine, a.answerable) for a in asked]), 3),
        **{f"declined below cosine {cosine}": shares(asked, below(cosine)) for cosine in COSINES},
        f"declined below cosine {cosine_at_a_tenth:.2f}, found with labels": shares(asked, below(cosine_at_a_tenth)),
        "calibration_s": round(max(measured), 2),
        "judging_ms": {"p50": percentile(milliseconds, 50), "p95": percentile(milliseconds, 95)},
    }


def cited(library: Library, *, most: int, embedder: str) -> dict[str, object]:
    """How often an extractive answer from all documents cites one that answers the question."""
    hits, abstained = [], 0
    with indexed(library, sorted(library.documents), embedder=embedder) as wiring:
        collection = wiring.collection()
        calibration = calibration_of(wiring.store, "benchmark", open_embedder=wiring.models.embedder_of)
        for question in random.Random(0).sample(sorted(library.questions), min(most, len(library.questions))):
            text, gold = library.questions[question]
            found = wiring.search(Query(text, k=8, unit="passage"))
            verdict = judged(found, store=wiring.store, calibration=calibration)
            answer = extract(text, found, open_embedder=lambda: wiring.models.embedder_of(collection), judged=verdict)
            documents = [citation.chunk.document for citation in answer.citations[:CITATIONS]]
            hits.append(float(any((d.external_id or d.path) in gold for d in documents)))
            abstained += answer.abstained
    return {**with_interval(hits), "of them declined": abstained}


@contextmanager
def indexed(library: Library, keys: Sequence[str], *, embedder: str) -> Iterator[Wiring]:
    """Some of the documents in a collection of their own."""
    home = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
    settings = load(
        flags={"embedder": embedder, "collection": "benchmark"}, environ={"HYBRIDRAG_HOME": str(home)}, cwd=home
    )
    wiring = Wiring(settings, notify=lambda text: print(text, file=sys.stderr))
    try:
        wiring.ingesting.ingest(
            [str(library.write(home / "documents", keys))],
            source_options=SourceOptions(),
            options=IngestOptions(),
            progress=Silent(),
            stdin=io.BytesIO(),
            stdin_name=None,
        )
        yield wiring
    finally:
        wiring.store.close()
        if wiring.server is not None:
            wiring.server.stop()
        shutil.rmtree(home, ignore_errors=True)


def shares(asked: Sequence[Asked], declined: Callable[[Asked], bool]) -> dict[str, dict[str, Any]]:
    """The share that is declined, of questions with an answer and of those without."""
    return {
        kind: with_interval(by_question([each for each in asked if each.answerable == answerable], declined))
        for kind, answerable in (("unanswerable", False), ("answerable", True))
    }


def curve_at(asked: Sequence[Asked], threshold: float) -> list[float]:
    """What a threshold of the score would decline of the questions without an answer, and of those with one."""
    found = shares(asked, lambda each: each.judged.score < threshold)
    return [found[kind]["share"] for kind in ("unanswerable", "answerable")]


def below(cosine: float) -> Callable[[Asked], bool]:
    return lambda each: each.cosine < cosine


def by_question(asked: Sequence[Asked], declined: Callable[[Asked], bool]) -> list[float]:
    """Each question once: how often it is declined, over the splits that asked it."""
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for each in asked:
        outcomes[each.question].append(declined(each))
    return [sum(found) / len(found) for found in outcomes.values()]


def with_interval(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"share": None}
    low, high = mean_interval(values)
    return {"share": round(sum(values) / len(values), 3), "ci95": [round(low, 3), round(high, 3)]}


def auc(scored: Sequence[tuple[float, bool]]) -> float:
    """How often an answerable question scores higher than an unanswerable one; a tie is half."""
    yes, no = ([score for score, answerable in scored if answerable == kind] for kind in (True, False))
    return sum((a > b) + 0.5 * (a == b) for a in yes for b in no) / max(len(yes) * len(no), 1)


def percentile(values: Sequence[float], share: int) -> float:
    return round(sorted(values)[min(len(values) * share // 100, len(values) - 1)], 1)


if __name__ == "__main__":
    main()
