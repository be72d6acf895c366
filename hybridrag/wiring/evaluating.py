"""Settings to what evaluation needs: the collection that a dataset is measured on, and the history of runs."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.errors import DatabaseError, UsageError
from hybridrag.types import Collection

if TYPE_CHECKING:
    from hybridrag.config import Settings
    from hybridrag.evaluation import Comparison, Run
    from hybridrag.flows.compare import Place, Subject
    from hybridrag.flows.evaluate import Asked, Asking, RunOptions, Variant
    from hybridrag.flows.evaluate_answers import AnswerOptions
    from hybridrag.flows.evaluate_answers import Outcome as Answering
    from hybridrag.flows.progress import Progress
    from hybridrag.store.evaluations import Evaluations, RerankerGain
    from hybridrag.types import Destination
    from hybridrag.wiring import Wiring
    from hybridrag.wiring.monitoring import Monitoring

    Showing = Callable[[], AbstractContextManager[Progress]]
    """Opens the bar of an ingest, where there is one to be done."""

HIDDEN = "eval-"
"""What the names of collections begin with that hold the corpus of a dataset and nothing else."""
CORPUS = "corpus"
"""The source that such a collection has."""


@dataclass(frozen=True, slots=True)
class Target:
    """A collection that questions are asked of. `notes` tell what its `corpus` lacks, where it is a dataset's."""

    wiring: Wiring
    collection: Collection
    notes: tuple[str, ...] = ()
    corpus: Path | None = None


class Evaluating:
    """What `eval` needs of one command's live objects."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    @cached_property
    def history(self) -> Evaluations:
        from hybridrag.store.evaluations import Evaluations

        return Evaluations(self.wiring.store.open())

    @cached_property
    def monitoring(self) -> Monitoring:
        from hybridrag.wiring.monitoring import Monitoring

        return Monitoring(self)

    def reranker_gain(self) -> RerankerGain | None:
        """What a reranker did to the chosen collection when that was last measured."""
        return self.history.reranker_gain(self.wiring.collection())

    # --- the collection ----------------------------------------------------------------------------------------------

    def target(self, asked: Asked, *, named: bool, progress: Showing) -> Target:
        """What the questions are asked of: the chosen collection where it was `named`, and for a question file.

        The corpus of a dataset is otherwise brought into a hidden collection, which only those share that have the same
        corpus, model and analysis. Raises UsageError where the collection is missing, or has another model than
        the one that was asked for.
        """
        if asked.corpus is None or named:
            collection = self.wiring.collection()
            if self.wiring.settings.origins["embedder"] == "--embedder":
                self.wiring.models.for_ingest(collection)  # which refuses another model
            return Target(self.wiring, collection)
        return self._ingested(self._hidden(asked), asked.corpus, progress=progress)

    def _ingested(self, name: str, corpus: Path, *, progress: Showing) -> Target:
        from hybridrag.flows.ingest import IngestOptions
        from hybridrag.flows.selection import SourceOptions

        wiring = self.wiring.under(_only(self.wiring.settings, collection=name))
        wiring.notify(f"collection: {name} (the corpus of {corpus.parent.name}, with {wiring.settings.embedder})")
        with progress() as shown:
            report = wiring.ingesting.ingest(
                [str(corpus)],
                source_options=SourceOptions(name=CORPUS),
                # The collection is this corpus, whatever it was before. What may not leave is the user's word here too.
                options=IngestOptions(allow_mass_delete=True, globs=wiring.settings.labels),
                progress=shown,
                stdin=io.BytesIO(),
                stdin_name=None,
            )
        report.check(strict=False)
        bad = [problem for problem in report.problems if problem.failed]
        notes = [f"{len(bad)} documents of {corpus.name} are left out: {bad[0].uri}: {bad[0].reason}"] if bad else []
        return Target(wiring, wiring.collection(), (*notes, *report.warnings), corpus.resolve())

    def _hidden(self, asked: Asked) -> str:
        """The hidden collection of a corpus: a plain name, or one with a digest where another has that already."""
        assert asked.corpus is not None
        models, corpus = self.wiring.models, asked.corpus.resolve()
        fingerprint = models.embedder(models.chosen()).fingerprint
        analysis = self.wiring.settings.text_search
        digest = hashlib.sha256(f"{corpus}\0{fingerprint}\0{analysis}".encode("utf-8", "surrogateescape")).hexdigest()
        plain = HIDDEN + re.sub(r"[^A-Za-z0-9._-]+", "-", asked.name.partition(":")[0])[:48].strip("-")
        found = self.wiring.store.find_collection(plain)
        if found is None:
            return plain
        sources = [row["source"] for row in self.wiring.store.list_sources(found)]
        ours = (found.generation.fingerprint, found.text_search) == (fingerprint, analysis) and bool(sources)
        if ours and all(one.name == CORPUS and _stands_for(Path(one.root), corpus) for one in sources):
            return plain
        return f"{plain}-{digest[:8]}"

    # --- running and comparing ---------------------------------------------------------------------------------------

    def run(self, target: Target, asked: Asked, *, options: RunOptions, asking: Asking) -> Run:
        """Asks the questions. Nothing is saved."""
        from hybridrag.flows.evaluate import evaluate

        wiring = target.wiring
        run = evaluate(wiring.store, target.collection, asked, search=wiring.search, options=options, asking=asking)
        return replace(run, notes=(*target.notes, *run.notes))

    def answers(
        self, target: Target, asked: Asked, *, destination: Destination | None, options: AnswerOptions, asking: Asking
    ) -> Answering:
        """Has the questions answered as `ask` does: by the provider where its `destination` is given, else by none.

        The judge's vectors come from the collection's own model, and only where that is on this machine.
        """
        from hybridrag.evaluation.judge import Judge
        from hybridrag.flows.evaluate_answers import evaluate_answers

        wiring, collection = target.wiring, target.collection
        leave = wiring.models.texts_leave(wiring.models.of(collection))
        return evaluate_answers(
            wiring.store,
            collection,
            asked,
            ask=partial(wiring.ask, on_text=_unread) if destination else wiring.extract,
            judge=Judge(None if leave else wiring.models.embedder_of(collection).embed_documents),
            judge_name="words" if leave else f"words and {collection.generation.model}",
            destination=destination,
            options=options,
            asking=asking,
            notify=wiring.notify,
        )

    def named(self, against: str, asked: Asked, *, variants: tuple[Variant, ...], metric: str) -> Run:
        """The run that a number or a file names. Raises UsageError where nothing can be held against it."""
        from hybridrag.evaluation import load_run
        from hybridrag.flows.compare import check_run, run_number

        number = against.removeprefix("run:")
        run = self.saved(run_number(number)) if re.fullmatch("[0-9]+", number) else load_run(Path(against))
        if not asked.questions.texts:
            return run  # no retrieval is measured
        check_run(run, [variant.name for variant in variants], metric)
        if not any(run.texts.get(question) == text for question, text in asked.questions.texts.items()):
            raise UsageError(f"{run.label} shares no question with {asked.name}", hint="name a run of these questions")
        return run

    def save(self, run: Run, target: Target) -> Run:
        """Keeps the run with its collection and returns it with its number; as it was where it cannot be kept.

        What was measured is worth more than its place in the history: a database that only reads is told, no more.
        """
        from hybridrag.evaluation import run_json

        try:
            number = self.history.save(target.collection, run_json(run, texts=False), at=run.at)
        except DatabaseError as exc:
            self.wiring.notify(f"the run is not kept: {exc.message}")
            return run
        return run.numbered(number)

    def saved(self, number: int) -> Run:
        """A run of the history. Raises UsageError where there is none of that number."""
        from hybridrag.evaluation import run_of

        found = self.history.find(number) if number < 2**63 else None
        if found is None:
            raise UsageError(f"there is no run {number}", hint="`eval history` lists the runs that there are")
        if not found["questions"] and not found.get("answers"):
            raise UsageError(
                f"run {number} has no question left: the documents that answer them were forgotten",
                hint="name another run; `eval history` lists them",
            )
        return run_of(found)

    def compare(
        self,
        before: Subject,
        after: Subject,
        asked: Asked | None,
        *,
        named: bool,
        options: RunOptions,
        metric: str,
        progress: Showing,
        asking: Asking,
    ) -> Comparison:
        """`after` against `before`; what is measured for that is saved. `options` say how, but for the modes."""
        from hybridrag.flows.compare import compare

        def measure(place: Place, name: str, variants: tuple[Variant, ...]) -> Run:
            if asked is None:
                raise UsageError("what is to be measured needs questions", hint="name a BEIR folder or a question file")
            evaluating = self._at(place, name, asked)
            by_name = place == "collection" or (named and place == "chosen")
            target = evaluating.target(asked, named=by_name, progress=progress)
            run = evaluating.run(target, asked, options=replace(options, variants=variants), asking=asking)
            return evaluating.save(run, target)

        return compare(before, after, measure=measure, saved=self.saved, metric=metric)

    def _at(self, place: Place, name: str, asked: Asked) -> Evaluating:
        settings = self.wiring.settings
        if place == "collection":
            return self.wiring.under(_only(settings, collection=name)).evaluating
        if place == "model":
            if asked.corpus is None:
                raise UsageError(
                    f"model:{name} needs a BEIR folder, whose documents it can embed",
                    hint="ingest your documents with it (-c NEW --embedder MODEL) and compare collection:NEW",
                )
            origins = {**settings.origins, "embedder": "model:"}
            return self.wiring.under(replace(settings, embedder=name, dims=0, origins=origins)).evaluating
        return self


def _unread(_text: str) -> None:
    """For answers that nobody watches."""


def _stands_for(root: Path, corpus: Path) -> bool:
    """Whether what was ingested from `root` is a dataset's corpus: this one, or one that was moved away."""
    try:
        return root.resolve() == corpus or not root.exists()
    except OSError:
        return False


def _only(settings: Settings, *, collection: str) -> Settings:
    """The settings for another collection, without which documents a project takes; their labels hold for all."""
    origins: Mapping[str, str] = {**settings.origins, "collection": "eval"}
    return replace(settings, collection=collection, include=(), exclude=(), origins=origins)
