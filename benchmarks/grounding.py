"""Grounding: true sentences that are borne out, spoilt ones that are caught, and false markers that are found.

    python benchmarks/grounding.py SET... --data FOLDER [--embedder NAME] [--questions N] [--part held|dev|all]

Each set is a BEIR folder under FOLDER whose queries.jsonl has an `answer`. Its answers, statements made of question and
answer, and sentences of its passages are checked against the right passages, against others that are near, and spoilt
in one way at a time (`grounding_cases.py`). Half of the documents, told by their hash, were used to set constants
(`dev`); figures are of the other half. The baseline is the best cosine of a cited passage's sentence alone, over the
threshold that passes as many true sentences of the half `dev` as grounding does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grounding_cases import Case, cases_of  # type: ignore[import-not-found]

from hybridrag.answering.grounding import Grounding, Verdict
from hybridrag.answering.sentences import sentence_spans
from hybridrag.models import find_model, open_embedder

if TYPE_CHECKING:
    from hybridrag.types import Vectors

SETS = ("claude_docs", "xquad/en", "xquad/de", "xquad/zh")


@dataclass(frozen=True, slots=True)
class Checked:
    case: Case
    held: bool
    verdict: Verdict
    cosine: float
    ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET", help=f"as given by default: {' '.join(SETS)}")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the sets")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--questions", type=int, default=100, help="at most so many of each set, evenly spread")
    parser.add_argument("--part", choices=("held", "dev", "all"), default="held")
    parser.add_argument("--wrong", type=int, default=0, help="also print so many wrong verdicts of each kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hybridrag-benchmark-") as cache:
        embed = remembering(
            open_embedder(find_model(options.embedder, offline=True), cache=Path(cache)).embed_documents
        )
        checked = [
            each
            for name in options.sets
            for each in checks(cases_of(options.data / name, name, embed, most=options.questions), embed)
        ]
    shown = [each for each in checked if options.part == "all" or each.held == (options.part == "held")]
    print(json.dumps(figures(shown, threshold=threshold([c for c in checked if not c.held] or checked)), indent=2))
    for kind in sorted({each.case.kind for each in shown}):
        wrong = [c for c in shown if c.case.kind == kind and c.verdict.supported != c.case.true]
        for each in wrong[: options.wrong]:
            print(kind, each.case.dataset, each.verdict.reason, each.case.sentence, sep=" | ")


def remembering(embed: Callable[[Sequence[str]], Vectors]) -> Callable[[Sequence[str]], Vectors]:
    """The same, with each text embedded once: cases share passages."""
    import numpy as np

    known: dict[str, Any] = {}

    def remembered(texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, embed(new), strict=True))
        return np.array([known[text] for text in texts])

    return remembered


def checks(cases: Iterable[Case], embed: Callable[[Sequence[str]], Vectors]) -> Iterable[Checked]:
    grounding: tuple[object, Grounding] | None = None
    for case in cases:
        about = (case.passages, case.question)
        if grounding is None or grounding[0] != about:
            grounding = (about, Grounding(case.passages, embed=embed, question=case.question))
        started = time.perf_counter()
        verdict = grounding[1].check(case.sentence, case.markers)
        ms = (time.perf_counter() - started) * 1000
        held = hashlib.sha256(case.document.encode()).digest()[-1] % 2 == 1
        texts = [p.text[a:b] for p in case.passages if p.marker in case.markers for a, b in sentence_spans(p.text)]
        vectors = embed([case.sentence, *texts])
        yield Checked(case, held, verdict, float((vectors[1:] @ vectors[0]).max()) if texts else 0.0, ms)


def threshold(checked: Sequence[Checked]) -> float:
    """The cosine that passes the share of true sentences that grounding passes."""
    true = [each for each in checked if each.case.true and not each.case.kind.startswith("false marker")]
    share = statistics.mean(each.verdict.supported for each in true)
    return sorted((each.cosine for each in true), reverse=True)[min(len(true) - 1, round(share * len(true)))]


def figures(checked: Sequence[Checked], *, threshold: float) -> dict[str, Any]:
    """By kind of case and set: the share of right verdicts, that of the baseline, and how many cases there are."""
    found: dict[str, Any] = {"baseline threshold": round(threshold, 3)}
    for kind in dict.fromkeys(each.case.kind for each in checked):
        of_kind = [each for each in checked if each.case.kind == kind]
        for name in ("all", *dict.fromkeys(each.case.dataset for each in of_kind)):
            rows = [each for each in of_kind if name in {"all", each.case.dataset}]
            found.setdefault(kind, {})[name] = (
                of_markers(rows)
                if kind.startswith("false marker")
                else {
                    "right": share(each.verdict.supported == each.case.true for each in rows),
                    "baseline": share((each.cosine >= threshold) == each.case.true for each in rows),
                    "cases": len(rows),
                }
            )
    found["p50 ms, vectors known"] = round(statistics.median(each.ms for each in checked), 1)
    return found


def of_markers(rows: Sequence[Checked]) -> dict[str, Any]:
    """Of sentences borne out: the share whose false marker was left out, and whose right ones were not all."""
    supported = [each for each in rows if each.verdict.supported]
    return {
        "false marker found": share(set(each.verdict.markers) <= set(each.case.gold) for each in supported),
        "right marker kept": share(bool(set(each.verdict.markers) & set(each.case.gold)) for each in supported),
        "cases": len(supported),
    }


def share(values: Iterable[bool]) -> float | None:
    listed = list(values)
    return round(statistics.mean(listed), 3) if listed else None


if __name__ == "__main__":
    main()
