"""Two generations of a collection on the same questions, asked in turns: quality, overlap, latency and size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hybridrag.errors import UsageError
from hybridrag.evaluation import Comparison, Questions, Run, Summary, compare_runs
from hybridrag.evaluation.gate import ACTIVE, CANDIDATE, METRICS, depth_for
from hybridrag.evaluation.overlap import Overlap
from hybridrag.evaluation.runs import summary_json
from hybridrag.flows.evaluate import Asked, Asking, RunOptions, Variant, evaluate
from hybridrag.flows.generate import draw, made_locally
from hybridrag.types import Collection, Generation, GenerationStatus, Mode, Query

if TYPE_CHECKING:
    from hybridrag.store import PostgresStore
    from hybridrag.types import SearchResult


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """`generated` is how many questions are made where none are given, by `seed`."""

    mode: Mode = "hybrid"
    metric: str = "ndcg@10"
    generated: int = 200
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """`after` against `before`. `run` has both as the modes ACTIVE and CANDIDATE."""

    before: GenerationStatus
    after: GenerationStatus
    run: Run
    comparison: Comparison
    mode: Mode
    generated: bool

    @property
    def overlap(self) -> Overlap:
        return Overlap.of(self.run, ACTIVE, CANDIDATE)

    def summary(self, side: GenerationStatus) -> Summary:
        return self.run.summaries[ACTIVE if side is self.before else CANDIDATE]


def compare_generations(
    store: PostgresStore,
    collection: Collection,
    asked: Asked | None,
    *,
    before: GenerationStatus,
    after: GenerationStatus,
    options: CompareOptions,
    search: Callable[[Query], SearchResult],
    asking: Asking,
) -> Compared:
    """Asks both generations; without `asked`, questions made from the collection's own chunks.

    Raises UsageError where the metric is unknown, or no question is about the collection.
    """
    if options.metric not in METRICS:
        raise UsageError(f"there is no metric {options.metric!r}", hint=f"there are: {', '.join(METRICS)}")
    questions = asked or generated_questions(store, collection, count=options.generated, seed=options.seed)
    questions = replace(questions, notes=(*questions.notes, *_incomplete(before, after)))
    run = side_by_side(
        store,
        collection,
        questions,
        active=before.generation,
        candidate=after.generation,
        mode=options.mode,
        depth=depth_for(options.metric),
        search=search,
        asking=asking,
    )
    names = label(before.generation), label(after.generation)
    comparison = compare_runs(run, ACTIVE, run, CANDIDATE, names=names, metric=options.metric)
    return Compared(before, after, run, comparison, options.mode, generated=asked is None)


def side_by_side(
    store: PostgresStore,
    collection: Collection,
    asked: Asked,
    *,
    active: Generation,
    candidate: Generation,
    mode: Mode,
    depth: int,
    search: Callable[[Query], SearchResult],
    asking: Asking,
) -> Run:
    """The run of both generations, as the modes ACTIVE and CANDIDATE, which take turns with every question.

    Documents are compared: the two may be made of different chunks.
    """
    variants = Variant(ACTIVE, mode, generation=active.id), Variant(CANDIDATE, mode, generation=candidate.id)
    return evaluate(store, collection, asked, search=search, options=RunOptions(variants, depth=depth), asking=asking)


def generated_questions(store: PostgresStore, collection: Collection, *, count: int, seed: int) -> Asked:
    """Questions made on this machine from chunks of the active generation. Raises UsageError where none can be made."""
    try:
        made = made_locally(draw(store, collection.name, count=count, seed=seed, wanted=None), count=count)
    except UsageError as exc:
        raise UsageError(exc.message, hint="name questions of your own with --questions PATH") from exc
    texts = {str(number): question.question for number, question in enumerate(made.questions, start=1)}
    qrels = {str(number): dict.fromkeys(one.sources, 1) for number, one in enumerate(made.questions, start=1)}
    note = (
        f"{len(texts)} questions were made from the collection's own chunks, of words that stand there: they tell how "
        "two generations differ, not how well people are served; --questions names real ones"
    )
    return Asked("generated", Questions(texts, qrels), None, (note,))


def _incomplete(*sides: GenerationStatus) -> list[str]:
    """What the figures of a generation that still lacks something do not tell."""
    return [
        f"{label(side.generation)} is not complete: {side.waiting_documents:,} documents and {side.waiting_texts:,} "
        "texts are waiting, and count as not found; hybridrag reindex work brings them in"
        for side in sides
        if not side.complete
    ]


def label(generation: Generation) -> str:
    """How people tell a generation from others."""
    return f"generation {generation.id} ({generation.model})"


# --- for programs ----------------------------------------------------------------------------------------------------


def side_json(status: GenerationStatus, summary: Summary | None) -> dict[str, Any]:
    """A generation as reports tell it: what it is, how it fared where it was asked, and how large it is."""
    generation = status.generation
    return {
        "generation": {
            "id": generation.id,
            "model": generation.model,
            "fingerprint": generation.fingerprint,
            "dimensions": generation.dimensions,
            "chunk_tokens": generation.chunk_tokens,
            "text_search": generation.text_search,
            "state": generation.state,
            "share": generation.share,
        },
        **(summary_json(summary) if summary else {}),
        "size": {"chunks": status.chunks, "vectors": status.vectors, "bytes": status.bytes},
    }


def overlap_json(overlap: Overlap) -> dict[str, float]:
    return {"at_10": round(overlap.at_10, 5), "same_first": round(overlap.same_first, 5)}
