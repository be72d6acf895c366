"""`hybridrag models recommend`."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import printable, stdout
from hybridrag.cli.models_bench import telling
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrag.flows.candidates import Recommendation
    from hybridrag.flows.recommend import Candidate, Figure

_SHOWN = 10


def recommend(
    context: typer.Context,
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="CODES", help="de,en: instead of the languages of the documents."),
    ] = None,
    licence: Annotated[
        str, typer.Option("--licence", "--license", metavar="KIND", help="permissive, or any.")
    ] = "permissive",
    code: Annotated[bool, typer.Option("--code", help="For source code: models made for it come first.")] = False,
    max_latency_ms: Annotated[
        float, typer.Option("--max-latency-ms", metavar="MS", min=0, help="What a query may take here, at most.")
    ] = 1000.0,
    max_memory: Annotated[
        str | None,
        typer.Option("--max-memory", metavar="SIZE", help="2G or 800M; by default half of this machine's memory."),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="PATH", help="Measure with these files instead of the collection's text."),
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option("--questions", metavar="FILE", help="Measure quality: a file of questions, or a BEIR folder."),
    ] = None,
    corpus: Annotated[
        int, typer.Option("--corpus", metavar="N", min=1, help="Chunks that questions are asked of, at most.")
    ] = 2000,
) -> int:
    """Ranks the models of the catalogue for this machine and this collection.

    By quality, speed and memory: twice the speed is worth .01 nDCG@10, half the memory .005. Models on this machine are
    measured, others estimated from them. Quality is what was published (SciFact), or with --questions what is measured.
    Left out: models without the documents' languages, with a licence that is not permissive, with code of their own
    that you do not trust, or over a limit.

    Examples: hybridrag models recommend      hybridrag models recommend --language de,en --max-memory 1G
    """
    session = Session.of(context)
    from hybridrag.flows.candidates import recommend as survey
    from hybridrag.flows.machine import memory
    from hybridrag.flows.recommend import Wishes

    if licence not in {"permissive", "any"}:
        raise UsageError(
            f"--licence is permissive or any, not {licence}", hint="`hybridrag models list` shows licences"
        )
    wishes = Wishes(
        languages=_codes(language),
        permissive=licence == "permissive",
        code=code,
        max_query_ms=max_latency_ms,
        max_memory=_size(max_memory) if max_memory is not None else memory() / 2,
    )
    ground = session.wiring.ground(text=text, questions=questions)
    with telling(quiet=session.flags.quiet, verbose=session.flags.verbose) as tell:
        found = survey(ground, wishes, corpus=corpus, tell=tell)
    if session.flags.json:
        session.json(_json(found))
    else:
        _show(stdout(), found)
    return 0


def _codes(given: str | None) -> tuple[str, ...]:
    codes = [code.strip().lower() for code in (given or "").split(",") if code.strip()]
    for code in codes:
        if not re.fullmatch(r"[a-z]{2}", code):
            raise UsageError(f"{code!r} is no code of a language", hint="give the two letters of ISO 639-1: en, de, zh")
    if given is not None and not codes:
        raise UsageError("--language names none", hint="for example: --language de,en")
    return tuple(dict.fromkeys(codes))


def _size(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if match is None or float(match[1]) == 0:
        raise UsageError(f"{text!r} is no amount of memory", hint="write 800M or 2G")
    return float(match[1]) * {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[match[2].upper()]


# --- for people ------------------------------------------------------------------------------------------------------


def _show(console: Console, found: Recommendation) -> None:
    console.print(_headline(found))
    for command in commands(found):
        console.print(f"  {command}")
    console.print()
    if found.ranking.ranked:
        console.print(_table(found))
        console.print(_legend(found))
        console.print()
        _show_why(console, found)
    _show_excluded(console, found)


def _headline(found: Recommendation) -> str:
    best = found.best
    if best is None:
        return "no model of the catalogue is all of that; the reasons are below"
    if in_use(found):
        return f"recommended: {printable(best.name)}, which the collection {found.collection} has"
    return f"recommended: {printable(best.name)}"


def in_use(found: Recommendation) -> bool:
    """Whether a collection has the first model of the ranking already."""
    return found.collection is not None and found.best is not None and found.best.name == found.current


def commands(found: Recommendation) -> list[str]:
    """What to run for the first model of the ranking; nothing where it is in use."""
    best = found.best
    if best is None or in_use(found):
        return []
    pull = [] if best.here else [f"hybridrag models pull {best.name}"]
    return [*pull, f"hybridrag ingest -c NEW --embedder {best.name} PATH"]


def _table(found: Recommendation) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for title in ("", "model", "nDCG", "tokens/s", "query ms", "MB"):
        table.add_column(title, justify="left" if title == "model" else "right", overflow="fold")
    for number, candidate in enumerate(found.ranking.ranked[:_SHOWN], start=1):
        table.add_row(
            str(number),
            printable(candidate.name),
            "?" if candidate.quality is None else _shown(candidate.quality, "{:.3f}").replace("0.", ".", 1),
            _shown(candidate.tokens_per_second, "{:,.0f}"),
            _shown(candidate.query_ms, "{:,.0f}" if candidate.query_ms.value >= 10 else "{:,.1f}"),
            _shown(candidate.memory, "{:,.0f}", unit=1e6),
        )
    return table


def _shown(figure: Figure, form: str, *, unit: float = 1.0) -> str:
    return ("~" if figure.known == "estimated" else "") + form.format(figure.value / unit)


def _legend(found: Recommendation) -> str:
    parts = []
    if len(found.ranking.ranked) > _SHOWN:
        parts.append(f"{len(found.ranking.ranked) - _SHOWN} more are ranked: --json shows all.")
    names = ", ".join(printable(Path(name).name) for name in found.measured)
    parts.append(f"~ estimated from {names}, measured here." if names else "~ estimated; nothing was measured here.")
    if found.asked is None:
        parts.append(
            "nDCG@10 is that published for SciFact, in English; --questions FILE measures it on your documents."
        )
    else:
        asked = len(found.asked.questions.texts)
        parts.append(f"nDCG@10 by {asked} questions to {len(found.asked.texts)} chunks; ~ from SciFact's and these.")
    return " ".join(parts)


def _show_why(console: Console, found: Recommendation) -> None:
    from hybridrag.flows.recommend import why

    first = found.ranking.ranked[0]
    for number, candidate in enumerate(found.ranking.ranked[:_SHOWN], start=1):
        place = "here" if candidate.here else f"{candidate.disk / 1e6:,.0f} MB to fetch"
        facts = f"{why(candidate, first)}; {candidate.licence or 'unknown licence'}, {place}"
        console.print(f"{number:>2} {printable(candidate.name)}: {facts}{_lesser(found, candidate)}")
    if not found.wishes.languages:
        console.print("The languages of the documents are not known: --language tells them.")
    else:
        console.print(f"Languages: {', '.join(found.wishes.languages)}.")
    console.print()


def _lesser(found: Recommendation, candidate: Candidate) -> str:
    """The languages of a few documents that a model lacks."""
    lacking = [code for code in found.languages if code not in (candidate.languages or ())]
    return f"; does not know {', '.join(lacking)} (few documents)" if lacking else ""


def _show_excluded(console: Console, found: Recommendation) -> None:
    groups: dict[str, list[str]] = {}
    for excluded in found.ranking.excluded:
        groups.setdefault(excluded.reasons[0], []).append(printable(excluded.candidate.name))
    if groups:
        console.print("Left out:")
    for reason, names in sorted(groups.items()):
        console.print(f"- {printable(reason)}: {', '.join(names)}")


# --- for programs ----------------------------------------------------------------------------------------------------


def _json(found: Recommendation) -> dict[str, Any]:
    from hybridrag.flows.recommend import why

    ranked = found.ranking.ranked
    wishes = found.wishes
    return {
        "schema": "hybridrag.recommend/1",
        "recommended": found.best.name if found.best else None,
        "commands": commands(found),
        "collection": found.collection,
        "current": found.current,
        "wishes": {
            "languages": list(wishes.languages),
            "licence": "permissive" if wishes.permissive else "any",
            "code": wishes.code,
            "max_latency_ms": wishes.max_query_ms,
            "max_memory_bytes": round(wishes.max_memory),
        },
        "documents_by_language": dict(found.languages),
        "measured": list(found.measured),
        "questions": None
        if found.asked is None
        else {"asked": len(found.asked.questions.texts), "given": found.asked.given, "chunks": len(found.asked.texts)},
        "ranked": [
            {"rank": number, **_candidate_json(candidate), "why": why(candidate, ranked[0])}
            for number, candidate in enumerate(ranked, start=1)
        ],
        "excluded": [
            {**_candidate_json(excluded.candidate), "reasons": list(excluded.reasons)}
            for excluded in found.ranking.excluded
        ],
    }


def _candidate_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "score": round(candidate.score, 2),
        "ndcg@10": None if candidate.quality is None else asdict(candidate.quality),
        "tokens_per_second": asdict(candidate.tokens_per_second),
        "query_ms": asdict(candidate.query_ms),
        "memory_bytes": asdict(candidate.memory),
        "disk_bytes": candidate.disk,
        "parameters": candidate.parameters,
        "licence": candidate.licence,
        "languages": None if candidate.languages is None else sorted(candidate.languages),
        "here": candidate.here,
    }
