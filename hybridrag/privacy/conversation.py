"""A conversation: its turns with what they rest on, and how they are written as JSON."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hybridrag.privacy.pseudonyms import Pseudonyms
from hybridrag.types import Label, Quote, Turn


@dataclass(frozen=True, slots=True)
class Cited:
    """What a turn cites: the place, as documents are known, and the words that stood there."""

    marker: int
    document: UUID
    uri: str
    label: Label
    title: str
    page: int | None
    headings: tuple[str, ...]
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn with what it rests on. `shares` are the characters of each document, by `uri`, that its answer tells.

    `complete` is False where the user, or the provider, ended it early.
    """

    turn: Turn
    citations: tuple[Cited, ...] = ()
    shares: Mapping[str, tuple[Label, int]] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns, oldest first, and the map that their values are pseudonymised under, where there is one."""

    collection: str
    generation: int
    turns: tuple[Spoken, ...] = ()
    pseudonyms: Pseudonyms | None = None


def telling_nothing(turns: tuple[Spoken, ...], documents: Container[UUID]) -> tuple[Spoken, ...]:
    """The turns up to the first that cites one of the documents, without answers that were stopped."""
    until = next(
        (place for place, each in enumerate(turns) if any(cited.document in documents for cited in each.citations)),
        len(turns),
    )
    return tuple(each for each in turns[:until] if each.complete or each.citations)


def turn_state(spoken: Spoken) -> dict[str, Any]:
    """The turn as JSON holds it."""
    turn = spoken.turn
    return {
        "question": turn.question,
        "query": turn.query,
        "answer": turn.answer,
        "label": turn.label.value,
        "complete": spoken.complete,
        "shares": [[uri, label.value, characters] for uri, (label, characters) in spoken.shares.items()],
        "citations": [
            {
                "marker": cited.marker,
                "document": str(cited.document),
                "uri": cited.uri,
                "label": cited.label.value,
                "title": cited.title,
                "page": cited.page,
                "headings": list(cited.headings),
                "quotes": [[quote.start, quote.text] for quote in cited.quotes],
            }
            for cited in spoken.citations
        ],
    }


def turn_of(state: Mapping[str, Any]) -> Spoken:
    """The turn that `turn_state` was taken from. Raises ValueError, TypeError or KeyError for anything else."""
    return Spoken(
        turn=Turn(str(state["question"]), str(state["query"]), str(state["answer"]), Label(state["label"])),
        citations=tuple(
            Cited(
                marker=int(each["marker"]),
                document=UUID(each["document"]),
                uri=str(each["uri"]),
                label=Label(each["label"]),
                title=str(each["title"]),
                page=int(each["page"]) if each["page"] is not None else None,
                headings=tuple(map(str, each["headings"])),
                quotes=tuple(Quote(int(start), str(text)) for start, text in each["quotes"]),
            )
            for each in state["citations"]
        ),
        shares={str(uri): (Label(label), int(characters)) for uri, label, characters in state["shares"]},
        complete=bool(state["complete"]),
    )
