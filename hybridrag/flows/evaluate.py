"""Evaluate: judged questions asked of a collection in several modes, in turns, and what came out as one run."""

from __future__ import annotations

import hashlib
import json
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hybridrag import __version__
from hybridrag.errors import ModelError, UsageError
from hybridrag.evaluation import Dataset, Outcome, Questions, Run, load_beir, load_questions, missing
from hybridrag.evaluation.files import look
from hybridrag.flows.judged import judged
from hybridrag.types import Collection, Filter, Fusion, Mode, Query

if TYPE_CHECKING:
    from hybridrag.store import PostgresStore
    from hybridrag.types import DocumentRef, SearchResult

MODES: tuple[Mode, ...] = ("hybrid", "dense", "lexical")


class Asking(Protocol):
    """Where a run reports how far it is."""

    def begin(self, questions: int) -> None:
        """So many questions are to be asked, each mode's counted by itself."""

    def advance(self) -> None:
        """One more is answered."""


class Unheard:
    """An `Asking` that says nothing."""

    def begin(self, questions: int) -> None: ...

    def advance(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to search, under the name that people gave it: `hybrid`, `hybrid+rrf`, `dense+rerank`.

    `generation` is the one that is asked, None for whichever serves.
    """

    name: str
    mode: Mode = "hybrid"
    fusion: Fusion = "score"
    rerank: bool = False
    generation: int | None = None

    @staticmethod
    def parse(name: str) -> Variant:
        """The way that a name means. Raises UsageError for no way."""
        base, *also = name.split("+")
        rerank = "rerank" in also
        also = [word for word in also if word != "rerank"]
        fusions: dict[str, Fusion] = {"rrf": "rrf", "score": "score"}
        known = base in MODES and len(also) <= 1 and all(word in fusions and base == "hybrid" for word in also)
        if not known or name.count("+rerank") > 1:
            raise UsageError(
                f"{name!r} is no way to search",
                hint="hybrid, dense or lexical; hybrid+rrf fuses by ranks, and +rerank after any reranks",
            )
        mode: Mode = "hybrid" if base == "hybrid" else "dense" if base == "dense" else "lexical"
        canonical = "+".join((base, *also, *(["rerank"] if rerank else [])))
        return Variant(canonical, mode, fusions[also[0]] if also else "score", rerank)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is to ask: a dataset's questions. `corpus` is the documents that come with them, None for a file."""

    name: str
    questions: Questions
    corpus: Path | None
    notes: tuple[str, ...] = ()

    @property
    def answerable(self) -> Asked:
        """The same without the questions that no document answers, which say nothing of retrieval."""
        return replace(self, questions=self.questions.answerable)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`filter` as a person wrote it; `depth` is how many documents are asked for; `limit` keeps the first questions."""

    variants: tuple[Variant, ...]
    filter: str = ""
    depth: int = 100
    limit: int | None = None


def read_questions(path: Path, *, split: str | None = None, unanswerable: bool = False) -> Asked:
    """The questions of a BEIR folder or a question file that some document answers; all of them if `unanswerable`.

    Raises UsageError where there is nothing, a line is broken, or no question is left.
    """
    there = look(path)
    if there is None:
        raise missing(path)
    if stat.S_ISDIR(there.st_mode):
        dataset: Dataset = load_beir(path, split=split)
        name = f"{dataset.name}:{split}" if split else dataset.name
        return Asked(name, dataset.questions, dataset.corpus, dataset.notes)
    if split is not None:
        raise UsageError(f"{path} is a question file: it has no splits", hint="leave --split out")
    every = load_questions(path)
    kept = every if unanswerable else every.answerable
    notes = []
    if without := len(every.texts) - len(kept.texts):
        notes.append(f"{without} questions that no document answers are left out: retrieval is not measured by them")
    if not kept.texts:
        raise UsageError(f"no document answers any question of {path}", hint='give "sources" to some of them')
    if kept.repeated:
        notes.append(f"{kept.repeated} questions stand there more than once; each counts")
    return Asked(path.stem, kept, None, tuple(notes))


def evaluate(
    store: PostgresStore,
    collection: Collection,
    asked: Asked,
    *,
    search: Callable[[Query], SearchResult],
    options: RunOptions,
    asking: Asking,
) -> Run:
    """Asks every question in every mode. Latency is from question to documents, after one question that is not counted.

    A judged document that the collection lacks counts as not found, and the notes say so. With a filter, documents of
    the collection that do not pass it do not count, and questions that no other answers are left out. Raises
    UsageError where nothing is left. Where there is no question at all, the run has no modes.
    """
    found = judged(
        store, collection, asked.questions, own_ids=asked.corpus is not None, expression=options.filter
    ).first(options.limit)
    questions = found.questions
    turns = _Turns(search, found.name, depth=options.depth, filter_=found.filter)
    outcomes = turns.ask(questions, options.variants, asking) if questions.texts else {}
    return Run(
        dataset=asked.name,
        asked=_fingerprint(asked, options),
        collection=collection.name,
        documents=found.documents,
        texts=questions.texts,
        qrels=questions.qrels,
        modes=outcomes,
        configuration=_configuration(collection, options, turns.reranker),
        notes=(*asked.notes, *found.notes),
    )


class _Turns:
    """The modes taking turns, so that whatever else the machine is doing falls on all alike."""

    def __init__(
        self,
        search: Callable[[Query], SearchResult],
        name: Callable[[DocumentRef], str],
        *,
        depth: int,
        filter_: Filter | None,
    ) -> None:
        self.reranker: str | None = None
        self._search = search
        self._name = name
        self._depth = depth
        self._filter = filter_

    def ask(
        self, questions: Questions, variants: Sequence[Variant], asking: Asking
    ) -> Mapping[str, Mapping[str, Outcome]]:
        warm = next(iter(questions.texts.values()))
        for variant in variants:
            self._ranking(warm, variant)
        asking.begin(len(questions.texts) * len(variants))
        outcomes: dict[str, dict[str, Outcome]] = {variant.name: {} for variant in variants}
        for number, (question, text) in enumerate(questions.texts.items()):
            first = number % len(variants)  # whoever comes second finds the pages of the first in memory
            for variant in (*variants[first:], *variants[:first]):
                started = time.perf_counter()
                ranking = self._ranking(text, variant)
                took = (time.perf_counter() - started) * 1000
                outcomes[variant.name][question] = Outcome.of(
                    ranking, questions.qrels[question], depth=self._depth, ms=took
                )
                asking.advance()
        return outcomes

    def _ranking(self, text: str, variant: Variant) -> tuple[str, ...]:
        """Documents, best first, each by its best chunk."""
        result = self._search(
            Query(
                text=text,
                k=self._depth,
                mode=variant.mode,
                filter=self._filter,
                fusion=variant.fusion,
                rerank=variant.rerank,
                unit="document",
                generation=variant.generation,
            )
        )
        if variant.rerank and result.hits:
            if result.reranker is None:
                raise ModelError("nothing was reranked: no reranker is set", hint="see `hybridrag search --help`")
            self.reranker = result.reranker
        return tuple(dict.fromkeys(self._name(hit.chunk.document) for hit in result.hits))


def _fingerprint(asked: Asked, options: RunOptions) -> str:
    """A hash of what is asked, as the files say it, so that it stays when the collection loses a document."""
    questions, filter_ = asked.questions, options.filter.strip()
    if options.limit is not None and not filter_:
        questions = questions.first(options.limit)
    rows = [[text, sorted(questions.qrels[key].items())] for key, text in questions.texts.items()]
    if options.limit is None or not filter_:
        rows.sort()  # with both, the collection says which questions are the first that pass: their order counts
    whole = json.dumps([rows, filter_, options.limit, options.depth], ensure_ascii=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _configuration(collection: Collection, options: RunOptions, reranker: str | None) -> dict[str, Any]:
    return {
        "version": __version__,
        "model": collection.generation.model,
        "fingerprint": collection.generation.fingerprint,
        "generation": collection.generation.id,
        "text_search": collection.text_search,
        "fusion": {v.name: v.fusion for v in options.variants if v.mode == "hybrid"},
        "reranker": reranker,
        "filter": options.filter.strip() or None,
        "depth": options.depth,
        "limit": options.limit,
    }
