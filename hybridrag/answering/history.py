"""What was said before, under a budget: the newest turns whole, older ones shortened, the oldest left out.

Nothing is shortened before the budget is full, and then so much at once that the next turns fit: between two such
moments every message of the past stays the same to the byte, and a provider's prompt cache knows it. Which moments
these were follows from the turns alone, so a conversation that is taken up again has the same past.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hybridrag.answering.scores import shares_of
from hybridrag.answering.sentences import sentence_spans
from hybridrag.types import Label, Piece, Role, Turn

BUDGET = 6_000
"""Characters of the past in a request: some 1,500 tokens, half of what passages may have."""
_AFTERWARDS = 0.5
"""The share of the budget that is left standing once it was full."""
_WHOLE = 2
"""The newest turns that are shortened only where they alone are too long."""
_SHORT = 320
"""Characters of an answer, and of a question, that was shortened."""
_LEFT_OUT = "[…]"
_MARKER = re.compile(r"(?P<code>`[^`\n]{0,200}`)|[ \t]?\[(?:\?|\d{1,3}(?:\s?[,;–-]\s?\d{1,3}){0,9})\](?![(:])")


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier turn as a request holds it; `number` is its place among the turns given, from 0."""

    number: int
    question: str
    answer: str
    label: Label
    shortened: bool = False

    @property
    def messages(self) -> tuple[tuple[Role, tuple[Piece, ...]], ...]:
        return ("user", (Piece(self.question, self.label),)), ("assistant", (Piece(self.answer, self.label),))

    @property
    def size(self) -> int:
        return len(self.question) + len(self.answer)


def past(
    turns: Sequence[Turn], question: str, *, budget: int = BUDGET, together: Iterable[str] = ()
) -> tuple[Past, ...]:
    """What a request for `question` tells of the turns before it, oldest first; at most `budget` characters.

    Markers of citations are left out: the next request has other passages under the same numbers. Whole sentences are
    taken out, those kept that share most with the question then asked, and no text of `together` (values that
    were found in the conversation) is cut in two by that.
    """
    values = tuple(value for value in together if len(value) <= _SHORT and re.search(r"[\s.!?…。！？]", value))
    kept: list[Past] = []
    for number, turn in enumerate(turns):
        kept.append(Past(number, turn.question, without_markers(turn.answer).strip() or _LEFT_OUT, turn.label))
        asked = turns[number + 1].question if number + 1 < len(turns) else question
        kept = _fitted(kept, asked, budget, values)
    return tuple(kept)


def without_markers(answer: str) -> str:
    """An answer without the markers of its citations; what is written as code stays as it is."""
    return _MARKER.sub(lambda match: match["code"] or "", answer)


def _fitted(kept: list[Past], question: str, budget: int, values: Sequence[str]) -> list[Past]:
    if _size(kept) <= budget:
        return kept
    goal = int(budget * _AFTERWARDS)
    newest = max(0, len(kept) - _WHOLE)
    for place, each in enumerate(kept):
        # The newest only where shortening all the others was not enough.
        if _size(kept) <= (goal if place < newest else budget):
            break
        if not each.shortened:
            kept = [*kept[:place], _shortened(each, question, values), *kept[place + 1 :]]
    while kept and _size(kept) > (goal if len(kept) > _WHOLE else budget):
        kept = kept[1:]
    return kept


def _size(kept: Sequence[Past]) -> int:
    return sum(each.size for each in kept)


def _shortened(turn: Past, question: str, values: Sequence[str]) -> Past:
    return replace(
        turn,
        question=_nearest(turn.question, question, values),
        answer=_nearest(turn.answer, f"{turn.question} {question}", values),
        shortened=True,
    )


def _nearest(text: str, question: str, values: Sequence[str]) -> str:
    """The sentences that share most with a question, in their order, in at most `_SHORT` characters; no part of one."""
    if len(text) <= _SHORT:
        return text
    spans = _joined(text, sentence_spans(text), values)
    shares = shares_of([text[start:end] for start, end in spans], question)
    ranked = sorted(range(len(spans)), key=lambda number: (-shares[number], number))
    left = _SHORT - 2 * len(_LEFT_OUT) - 2
    chosen: set[int] = set()
    for number in ranked:
        cost = spans[number][1] - spans[number][0] + len(_LEFT_OUT) + 2
        if cost <= left:
            chosen.add(number)
            left -= cost
    parts: list[str] = []
    for number, (start, end) in enumerate(spans):
        if number in chosen:
            parts.append(text[start:end])
        elif not parts or parts[-1] != _LEFT_OUT:
            parts.append(_LEFT_OUT)
    return " ".join(parts)


def _joined(text: str, spans: Sequence[tuple[int, int]], values: Sequence[str]) -> list[tuple[int, int]]:
    """Sentences, those that a value stands across as one."""
    across: set[int] = set()
    for value in values:
        at = text.find(value)
        while at >= 0:
            across.update(number for number, (start, _) in enumerate(spans) if at < start < at + len(value))
            at = text.find(value, at + len(value))
    joined: list[tuple[int, int]] = []
    for number, (start, end) in enumerate(spans):
        if number in across and joined:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined
