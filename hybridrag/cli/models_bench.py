"""`hybridrag models bench`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import notice, printable, stdout
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrag.flows.figures import Measured, ModelBench, Spread
    from hybridrag.flows.sample import Asked


def bench(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="Models on this machine; without one, the collection's."),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="PATH", help="Measure with these files instead of the collection's text."),
    ] = None,
    chunks: Annotated[int, typer.Option("--chunks", metavar="N", min=1, help="Texts to measure with, at most.")] = 300,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", min=0, help="What a turn of the slowest way may take.")
    ] = 10.0,
    starts: Annotated[int, typer.Option("--starts", metavar="N", min=1, help="How often each way is started.")] = 3,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions", metavar="FILE", help="Also measure nDCG@10: a file of questions, or a BEIR folder."
        ),
    ] = None,
    corpus: Annotated[
        int, typer.Option("--corpus", metavar="N", min=1, help="Chunks that questions are asked of, at most.")
    ] = 2000,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the figures as a PNG.")] = None,
) -> int:
    """Measures what models cost on this machine, in every way of running them.

    Tokens a second, start of a process to its first vector, memory, and how near the vectors are to those of
    sentence-transformers in float32, which is measured beside them as its users call it. Each way has a process of its
    own, and all take turns with the same texts. Nothing is fetched and nothing leaves this machine.

    Examples: hybridrag models bench      hybridrag models bench all-MiniLM-L6-v2 --text ./docs --plot speed.png
    """
    session = Session.of(context)
    if plot is not None:
        from hybridrag.evaluation.plots import check_plot

        check_plot(plot)
    from hybridrag.flows.bench import bench_models
    from hybridrag.flows.figures import BenchOptions

    ground = session.wiring.ground(text=text, questions=questions)
    with telling(quiet=session.flags.quiet, verbose=session.flags.verbose) as tell:
        origin, found = bench_models(
            names or [],
            ground,
            options=BenchOptions(seconds=seconds, starts=starts, chunks=chunks, corpus=corpus),
            tell=tell,
        )
    if plot is not None:
        draw(plot, found, cache=session.settings.paths.cache)
    if session.flags.json:
        session.json(bench_json(origin, found))
    else:
        console = stdout()
        for model in found:
            show(console, model, origin)
    return 0


@contextmanager
def telling(*, quiet: bool, verbose: bool) -> Iterator[Callable[[str], None]]:
    """Tells what is being done: on one line that goes away where stderr is a terminal, else only under `--verbose`."""
    if quiet or not sys.stderr.isatty():
        yield lambda line: notice(line, quiet=quiet or not verbose)
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda line: status.update(printable(line))


# --- for people ------------------------------------------------------------------------------------------------------


def show(console: Console, found: ModelBench, origin: str) -> None:
    """Prints the figures of a model that was measured with texts of `origin`."""
    console.print(f"{printable(found.model)}: {found.texts} texts, {found.tokens:,} tokens of {printable(origin)}")
    console.print(_speed_table(found))
    console.print()
    console.print(_cost_table(found))
    if found.asked is not None:
        console.print()
        console.print(_quality_line(found.asked))
        console.print(_quality_table(found))
    for failed in found.failed:
        console.print(f"{failed.way.name}: {printable(failed.reason)}")
    if not found.together:
        console.print("measured one after the other: side by side they need more memory than is free")
    console.print()


def _speed_table(found: ModelBench) -> Any:
    table = _table("way", "tokens/s", "least-most", "texts/s", "times")
    for one in found.measured:
        times = found.times_default(one.way)
        rate = one.tokens_per_second
        table.add_row(
            label(one),
            f"{rate.median:,.0f}",
            f"{rate.least:,.0f}-{rate.most:,.0f}",
            f"{one.texts_per_second.median:,.0f}",
            "" if times is None else f"{times:.1f}x",
        )
    return table


def _cost_table(found: ModelBench) -> Any:
    table = _table("way", "start s", "query ms", "MB", "cosine least", "mean")
    for one in found.measured:
        table.add_row(
            label(one),
            f"{one.cold_seconds.median:.2f}",
            f"{one.query_ms.median:.1f}" if one.query_ms.median >= 0.1 else "<0.1",
            f"{(one.memory.process + one.memory.device) / 1e6:,.0f}",
            "-" if one.least_cosine is None else f"{one.least_cosine:.5f}",
            "-" if one.mean_cosine is None else f"{one.mean_cosine:.5f}",
        )
    return table


def _quality_line(asked: Asked) -> str:
    part = "" if asked.given == len(asked.questions.texts) else f" of {asked.given}"
    documents = len(set(asked.owners))
    return f"{len(asked.questions.texts)}{part} questions to {len(asked.texts)} chunks of {documents} documents"


def _quality_table(found: ModelBench) -> Any:
    table = _table("way", "nDCG@10", "95% of it", "to the first")
    first = next((one.quality.ndcg for one in found.measured if one.quality), 0.0)
    for one in found.measured:
        if one.quality is not None:
            low, high = one.quality.interval
            row = (f"{one.quality.ndcg:.4f}", f"{low:.3f}-{high:.3f}", f"{one.quality.ndcg - first:+.4f}")
            table.add_row(label(one), *row)
    return table


def _table(*titles: str) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left", overflow="fold")
    return table


def label(one: Measured) -> str:
    """A way with the number format it took, where its name does not say that."""
    told = one.way.kind in {"static", "sentence-transformers"} or one.facts.format in one.way.name
    return one.way.name if told else f"{one.way.name} {one.facts.format}"


def draw(path: Path, found: Sequence[ModelBench], *, cache: Path) -> None:
    """The picture of `--plot`. `cache` is for the list of fonts."""
    from hybridrag.evaluation.plots import Bar, Panel, draw_bars

    def bars(value: Callable[[Measured], float], spread: Callable[[Measured], Spread] | None = None) -> list[Bar]:
        drawn = []
        for model in found:
            fastest = max(one.tokens_per_second.median for one in model.measured)
            for one in model.measured:
                around = spread(one) if spread else None
                drawn.append(
                    Bar(
                        f"{model.model}, {label(one)}" if len(found) > 1 else label(one),
                        value(one),
                        around.least if around else None,
                        around.most if around else None,
                        emphasised=one.tokens_per_second.median == fastest,
                    )
                )
        return drawn

    texts, tokens = found[0].texts, found[0].tokens
    title = ", ".join(Path(model.model).name for model in found) + f": {texts} texts, {tokens:,} tokens"
    panels = [
        Panel(
            "tokens a second: median, least to most",
            bars(lambda one: one.tokens_per_second.median, lambda one: one.tokens_per_second),
        ),
        Panel("peak memory of the process, MB", bars(lambda one: one.memory.process / 1e6)),
        Panel(
            "start of a process to its first vector, seconds",
            bars(lambda one: one.cold_seconds.median, lambda one: one.cold_seconds),
            shown="{:.2f}",
        ),
    ]
    draw_bars(path, title=title, panels=panels, cache=cache)


# --- for programs ----------------------------------------------------------------------------------------------------


def bench_json(origin: str, found: Sequence[ModelBench]) -> dict[str, Any]:
    """The `hybridrag.bench/1` object."""
    from hybridrag.flows.machine import this_machine

    return {
        "schema": "hybridrag.bench/1",
        "machine": asdict(this_machine()),
        "origin": origin,
        "models": [_model_json(model) for model in found],
    }


def _model_json(found: ModelBench) -> dict[str, Any]:
    asked = found.asked
    return {
        "model": found.model,
        "texts": found.texts,
        "tokens": found.tokens,
        "rounds": found.rounds,
        "in_turns": found.together,
        "questions": None
        if asked is None
        else {"asked": len(asked.questions.texts), "given": asked.given, "chunks": len(asked.texts)},
        "ways": [_way_json(one, found.times_default(one.way)) for one in found.measured],
        "failed": [{"way": failed.way.name, "reason": failed.reason} for failed in found.failed],
    }


def _way_json(one: Measured, times: float | None) -> dict[str, Any]:
    return {
        "way": one.way.name,
        "device": one.facts.device,
        "format": one.facts.format,
        "tokens_per_second": _rounded(one.tokens_per_second, 1),
        "texts_per_second": _rounded(one.texts_per_second, 2),
        "times_default": None if times is None else round(times, 2),
        "cold_start_seconds": _rounded(one.cold_seconds, 3),
        "load_ms": _rounded(one.load_ms, 1),
        "numpy_ms": _rounded(one.numpy_ms, 1),
        "query_ms": _rounded(one.query_ms, 2),
        "peak_memory_bytes": one.memory.process,
        "peak_device_memory_bytes": one.memory.device,
        "cosine": None
        if one.least_cosine is None or one.mean_cosine is None
        else {"least": round(one.least_cosine, 6), "mean": round(one.mean_cosine, 6)},
        "ndcg@10": None if one.quality is None else round(one.quality.ndcg, 4),
        "ci95": None if one.quality is None else [round(end, 4) for end in one.quality.interval],
    }


def _rounded(spread: Spread, digits: int) -> dict[str, float]:
    return {name: round(value, digits) for name, value in asdict(spread).items()}
