"""An answer as people see it, and as JSON: what `ask` and `chat` share."""

from __future__ import annotations

import shlex
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from hybridrag.cli.console import coloured, notice, one_line, printable
from hybridrag.cli.hyperlinks import linked, linked_page, takes_links
from hybridrag.cli.logs import log
from hybridrag.cli.search import document_json, location_json
from hybridrag.errors import NotGrounded, UsageError
from hybridrag.money import dollars

if TYPE_CHECKING:
    from hybridrag.cli.session import Session
    from hybridrag.flows.freshness import Freshness
    from hybridrag.flows.places import Place
    from hybridrag.types import Answer, Citation, Usage

_UNSUPPORTED = "[?]"
_INCOMPLETE = "[this answer is not complete]"
_NARROWEST = 20
_WIDEST = 110
_LONGEST_COMMAND = 100
"""Characters of a question that is shown again, in the command to search for it."""
_NEEDS_CARE = frozenset('"$`\\!')
"""What a shell reads inside double quotes."""
COUNTED = {
    "provider": "counted by the provider",
    "tokenizer": "counted here",
    "estimate": "at most: the provider did not say",
}


class AnswerWriter:
    """Shows text the moment it comes. What an error ends is marked as incomplete."""

    def __init__(self) -> None:
        self.wrote = False
        self._coloured = coloured(sys.stdout)

    def __call__(self, text: str) -> None:
        self.wrote = True
        sys.stdout.write(_shown(text, in_colour=self._coloured))
        sys.stdout.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Ends the last line."""
        if self.wrote and kind is not BrokenPipeError:
            sys.stdout.write("\n" if kind is None else f"\n{_INCOMPLETE}\n")
            sys.stdout.flush()


def answer_json(
    answer: Answer, *, places: Mapping[int, Place] | None = None, freshness: Freshness | None = None
) -> dict[str, Any]:
    """The `hybridrag.ask/1` object. `places` are the files of its citations, by marker."""
    return {
        "schema": "hybridrag.ask/1",
        "question": answer.question,
        "answer": answer.text,
        "mode": answer.mode,
        "grounded": answer.grounded,
        "abstained": answer.abstained,
        "complete": answer.complete,
        "sentences": [
            {
                "text": sentence.text,
                "supported": sentence.supported,
                "markers": list(sentence.markers),
                "claimed": list(sentence.claimed),
                "reason": sentence.reason,
            }
            for sentence in answer.sentences
        ],
        "warnings": [*answer.warnings, *(freshness.warnings if freshness else [])],
        "citations": [_citation_json(citation, (places or {}).get(citation.marker)) for citation in answer.citations],
        "provider": answer.provider,
        "model": answer.model,
        "usage": {
            "prompt_tokens": answer.usage.prompt_tokens if answer.usage else None,
            "completion_tokens": answer.usage.completion_tokens if answer.usage else None,
            "counted": answer.usage.counted if answer.usage else None,
            "cost_usd": answer.usage.cost_usd if answer.usage else None,
        },
        "freshness": _freshness_json(freshness) if freshness else None,
        "redactions": dict(answer.redactions),
        "ledger_id": answer.ledger_id,
        "timings_ms": dict(answer.timings_ms),
    }


def check_chosen(session: Session, *, llm: str | None, fallback: str | None) -> None:
    """Raises UsageError where flags say more of a provider than that there is none."""
    if session.wiring.has_provider:
        return
    if llm is not None:
        raise UsageError("--llm names the model of a provider, and none is chosen", hint="add --provider NAME")
    if fallback is not None:
        raise UsageError("--fallback names whom to ask next, and no provider is chosen", hint="add --provider NAME")


def check_grounded(answer: Answer, *, required: bool) -> None:
    """Raises NotGrounded for an answer that must be grounded and is not."""
    if required and not answer.grounded:
        unsupported = sum(not sentence.supported for sentence in answer.sentences)
        what = (
            "there is no answer"
            if answer.abstained
            else f"no passage bears out {unsupported} of its {len(answer.sentences)} sentences"
        )
        raise NotGrounded(f"the answer is withheld: {what}", hint="ask without --require-grounded to see it")


def show_answer(
    answer: Answer,
    *,
    streamed: bool,
    verbose: bool = False,
    quiet: bool = False,
    places: Mapping[int, Place] | None = None,
    freshness: Freshness | None = None,
    age: bool = True,
) -> None:
    """The answer, unless it was `streamed`, and what belongs to it: citations on stdout, everything else on stderr.

    `verbose` shows the words that are cited, too, and what is missing of those that are not borne out. `age`
    tells how old the index is, which a conversation says once.
    """
    if not streamed:
        sys.stdout.write(_shown(answer.text, in_colour=coloured(sys.stdout)) + "\n")
    if not answer.complete:
        sys.stdout.write(f"{_INCOMPLETE}\n")
    if answer.citations:
        sys.stdout.write("\n")
    for citation in answer.citations:
        _show_citation(citation, (places or {}).get(citation.marker), verbose=verbose)
    sys.stdout.flush()
    for line in (*_notes(answer, freshness, verbose=verbose), *_figures(answer, freshness if age else None)):
        notice(line, quiet=quiet)


def _shown(text: str, *, in_colour: bool) -> str:
    """Text for a terminal; what no passage bears out is marked in yellow."""
    text = printable(text)
    return text.replace(_UNSUPPORTED, f"\033[33m{_UNSUPPORTED}\033[0m") if in_colour else text


def _show_citation(citation: Citation, place: Place | None, *, verbose: bool) -> None:
    bold, cyan, dim, off = ("\033[1m", "\033[36m", "\033[2m", "\033[0m") if coloured(sys.stdout) else ("", "", "", "")
    where, headings = _where(citation, place), one_line(" > ".join(citation.chunk.headings))
    marker = f"[{citation.marker}]"
    width = _width()
    shown = _linked(where, place) if place and takes_links(sys.stdout) else where
    sys.stdout.write(f"{bold}{marker}{off} {cyan}{shown}{off}")
    if width is None or len(marker) + len(where) + len(headings) + 3 <= width:
        sys.stdout.write(f"  {cyan}{headings}{off}\n" if headings else "\n")
    else:
        sys.stdout.write("\n" + _indented(headings, width, before=cyan, after=off))
    for quote in citation.quotes if verbose else ():
        sys.stdout.write(_indented(printable(quote.text), width, before=dim, after=off))


def _linked(text: str, place: Place) -> str:
    if place.url is not None:
        return linked_page(text, place.url)
    return linked(text, place.path) if place.path is not None else text


def _where(citation: Citation, place: Place | None) -> str:
    """`handbook/travel.md:12`, which editors open there, or `report.pdf p.3`."""
    chunk = citation.chunk
    line = f":{place.line}" if place and place.line is not None else ""
    page = f" p.{chunk.page}" if chunk.page is not None else ""
    return one_line(f"{chunk.document.uri}{line}{page}")


def _indented(text: str, width: int | None, *, before: str, after: str) -> str:
    """A paragraph of lines that fit, four columns from the margin; one line where there is no width."""
    folded = " ".join(text.split())
    lines = [folded] if width is None else textwrap.wrap(folded, max(_NARROWEST, min(width, _WIDEST) - 4))
    return "".join(f"    {before}{line}{after}\n" for line in lines if line)


def _width() -> int | None:
    """Columns of the terminal; None where stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _notes(answer: Answer, freshness: Freshness | None, *, verbose: bool) -> list[str]:
    lines = [f"note: {warning}" for warning in answer.warnings]
    if verbose and log() is None:  # a log holds no text of documents
        lines += [
            f"  {one_line(each.text)} {_UNSUPPORTED} {one_line(each.reason)}"
            for each in answer.sentences
            if not each.supported
        ]
    if answer.abstained:
        lines.append(f"note: {_search_for(answer.question)} shows what comes nearest to the question")
    return [*lines, *(f"note: {warning}" for warning in (freshness.warnings if freshness else ()))]


def _search_for(question: str) -> str:
    """The command that searches for a question, as far as it is short enough to be shown again."""
    folded = one_line(question)
    if len(folded) > _LONGEST_COMMAND or log() is not None:  # what people ask stays out of logs too
        return "hybridrag search"
    plain = not _NEEDS_CARE.intersection(folded)  # people read "O'Neil" more easily than what shlex makes of it
    return f'hybridrag search "{folded}"' if plain else f"hybridrag search {shlex.quote(folded)}"


def _figures(answer: Answer, freshness: Freshness | None) -> list[str]:
    lines = [freshness.age] if freshness and freshness.age else []
    if answer.redactions:
        counts = ", ".join(f"{number} {kind}" for kind, number in sorted(answer.redactions.items()))
        lines.append(f"redacted before sending: {counts} (ledger {answer.ledger_id})")
    return [*lines, *([usage_line(answer.usage)] if answer.usage else [])]


def usage_line(usage: Usage) -> str:
    """`1,204 tokens in, 96 out, $0.00030 (counted by the provider)`: of the prompt, and of the reply."""
    cost = "no price known" if usage.cost_usd is None else dollars(usage.cost_usd)
    return f"{usage.prompt_tokens:,} tokens in, {usage.completion_tokens:,} out, {cost} ({COUNTED[usage.counted]})"


def _citation_json(citation: Citation, place: Place | None) -> dict[str, Any]:
    return {
        "marker": citation.marker,
        "chunk_id": str(citation.chunk.id),
        "document": document_json(citation.chunk.document),
        "location": {
            **location_json(citation.chunk),
            "path": place.path if place else None,
            "line": place.line if place else None,
            "url": place.url if place else None,
        },
        "quote": citation.quote,
        "quotes": [{"start": quote.start, "text": quote.text} for quote in citation.quotes],
    }


def _freshness_json(freshness: Freshness) -> dict[str, Any]:
    return {
        "indexed_at": freshness.indexed_at.isoformat() if freshness.indexed_at else None,
        "age_seconds": None if freshness.age_seconds is None else round(freshness.age_seconds),
        "missing_files": list(freshness.missing),
        "changed_files": list(freshness.changed),
        "absent_sources": list(freshness.absent),
    }
