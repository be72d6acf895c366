"""`hybridrag eval generate`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import json_text
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from hybridrag.evaluation.generated import GeneratedQuestion
    from hybridrag.flows.generate import Sample, Tally
    from hybridrag.wiring.generating import Generating

_STDOUT = "-"
_CAVEAT = (
    "generated questions compare configurations with each other; they do not tell how good answers to real ones are"
)
_CAVEAT_LOCAL = f"{_CAVEAT}, and those made without a model favour the lexical arm"


def generate(
    context: typer.Context,
    count: Annotated[
        int, typer.Option("--count", metavar="N", min=1, max=10_000, help="Questions at most; requests at most, too.")
    ] = 100,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE|-", help="Where to write them.")] = _STDOUT,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Another number asks about other chunks.")] = 0,
    filter_: Annotated[str, typer.Option("--filter", metavar="EXPR", help="As for search.")] = "",
    provider: Annotated[
        str | None,
        typer.Option("--provider", metavar="NAME|URL", help="Has a chat model write them, behind the privacy gateway."),
    ] = None,
    llm: Annotated[str | None, typer.Option("--llm", metavar="MODEL", help="The chat model.")] = None,
) -> int:
    """Makes questions from the collection's own chunks, for `eval run` and `models recommend --questions`.

    Without --provider nothing leaves this machine, whatever your settings say about `ask`. Such questions are search
    words: they compare configurations, tell nothing about absolute quality, and favour the lexical arm.

    Examples: hybridrag eval generate --output questions.jsonl      hybridrag eval generate --provider together
    """
    from hybridrag.errors import UsageError
    from hybridrag.evaluation.question_file import check_target
    from hybridrag.retrieval import parse_filter
    from hybridrag.wiring.generating import Generating

    if llm is not None and provider is None:
        raise UsageError("--llm names the model of a provider, and none is chosen", hint="add --provider NAME")
    session = Session.of(context, provider=provider, llm=llm)
    wanted = parse_filter(filter_)
    file = None if output == _STDOUT else Path(output)
    if file is not None:
        check_target(file, force=force)
    generating = Generating(session.wiring)
    if provider is not None:
        session.wiring.provider.destination()  # a missing key is told before any work is done
    session.say_collection()
    sample = generating.draw(count=count, seed=seed, wanted=wanted)
    if sample.documents == 1:
        session.notice("all chunks are of one document: ranking documents will tell nothing about these questions")
    out = _Output(session, file, force=force)
    try:
        with out:
            (_locally if provider is None else _asked)(generating, sample, out, count)
    finally:
        if out.complete or (out.tally is not None and out.tally.requests):  # what was paid for is told in any case
            _report(session, sample, out, count)
    return 0


def _locally(generating: Generating, sample: Sample, out: _Output, count: int) -> None:
    from hybridrag.flows.generate import Tally

    made = generating.made_locally(sample, count=count)
    out.take(made.questions)
    out.tally = Tally(skipped=made.dropped)


def _asked(generating: Generating, sample: Sample, out: _Output, count: int) -> None:
    plan, destination = generating.plan(sample, count=count), generating.wiring.provider.destination()
    if plan.left_out:
        out.session.notice(
            f"{plan.left_out} of {len(sample.materials)} chunks are labelled local-only and were left out"
        )
    out.session.notice(
        f"sending at most {len(plan.materials):,} requests with about {plan.tokens:,} tokens in all to "
        f"{destination.provider} ({destination.model}); replies come on top"
    )
    asking = generating.asking(sample)
    out.tally = asking.tally
    with _bar(len(plan.materials), shown=out.leaves_terminal) as told:
        out.take(told(asking.questions(plan.materials)))


class _Output:
    """Where the questions go, and what was done for them. What there is when a run breaks off is kept.

    It then goes beside a file that is there already: a few questions are no reason to lose all of an older file.
    """

    def __init__(self, session: Session, file: Path | None, *, force: bool) -> None:
        self.session = session
        self.questions: list[GeneratedQuestion] = []
        self.tally: Tally | None = None
        self.complete = False
        self._file = file
        self._force = force

    @property
    def name(self) -> str:
        return _STDOUT if self._file is None else str(self._file)

    @property
    def leaves_terminal(self) -> bool:
        """Whether a bar on the terminal would not be written over by questions."""
        return self._file is not None or not sys.stdout.isatty()

    def take(self, questions: Iterable[GeneratedQuestion]) -> None:
        from hybridrag.evaluation.generated import escaped

        for question in questions:
            self.questions.append(question)
            if self._file is None and not self.session.flags.json:
                sys.stdout.write(escaped(json_text(dict(question.as_json()), sys.stdout)) + "\n")
                sys.stdout.flush()

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        from hybridrag.evaluation.question_file import write_questions

        if self._file is not None and self.questions:
            if kind is not None and self._file.exists():
                self._file = self._file.with_name(f"{self._file.name}.partial")
                self._force = True
            write_questions(self._file, self.questions, force=self._force)
            if kind is not None:
                self.session.notice(f"{len(self.questions)} questions were made before that and are in {self._file}")
        self.complete = kind is None


def _report(session: Session, sample: Sample, out: _Output, count: int) -> None:
    tally = out.tally
    assert tally is not None  # it is there once anything was done
    methods = Counter(question.method for question in out.questions)
    caveat = _CAVEAT if tally.requests else _CAVEAT_LOCAL
    if session.flags.json:
        session.json(_json(sample, out, tally, count, caveat))
        return
    from hybridrag.flows.generate import counted

    how = f": {counted(methods)}" if methods else ""
    session.notice(
        f"{len(out.questions)} questions from {len(sample.materials):,} chunks of {sample.documents:,} documents{how}"
    )
    if len(out.questions) < count and tally.skipped:
        session.notice(f"{count} were asked for; passed over: {counted(tally.skipped)}")
    if tally.redactions:
        session.notice(f"redacted before sending: {counted(tally.redactions)}")
    session.notice(caveat)


def _json(sample: Sample, out: _Output, tally: Tally, count: int, caveat: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "schema": "hybridrag.generate/1",
        "collection": sample.collection.name,
        "output": out.name,
        "complete": out.complete,
        "asked_for": count,
        "made": len(out.questions),
        "chunks": len(sample.materials),
        "documents": sample.documents,
        "methods": dict(Counter(question.method for question in out.questions)),
        "passed_over": dict(tally.skipped),
        "requests": tally.requests,
        "usage": {"prompt_tokens": tally.prompt_tokens, "completion_tokens": tally.completion_tokens},
        "redactions": dict(tally.redactions),
        "caveat": caveat,
    }
    if out.name == _STDOUT:
        found["questions"] = [question.as_json() for question in out.questions]
    return found


@contextmanager
def _bar(total: int, *, shown: bool) -> Iterator[Any]:
    """Gives a function that lets questions pass and shows on stderr, where that is a terminal, how many have."""
    if not shown or not sys.stderr.isatty():
        yield iter
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking", total=total)

        def told(questions: Iterable[GeneratedQuestion]) -> Iterator[GeneratedQuestion]:
            for question in questions:
                bar.advance(task)
                yield question

        yield told
