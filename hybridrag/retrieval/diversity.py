"""Hits that say what a better one says already, folded into it; and passages chosen to differ (MMR).

Cosine and shared words cannot tell a copy from a twin: measured on real documents, chunks about `GET` and `POST`, or
about 2013 and 2014, are as near to each other as copies are. So only what adds no word is a copy: the same words in the
same order, or a stretch of them (`docs/decisions/0017-diversity.md`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from hybridrag.scripts import UNSPACED
from hybridrag.types import Hit, StoredChunk

if TYPE_CHECKING:
    from hybridrag.types import Vectors

_STANDS_ALONE = 20
"""Words. A shorter text (a row, a label, "not supported") means what its headings make of it."""
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
_TOKEN = re.compile(rf"\d+(?:[.,]\d+)+|{WORD.pattern}|[^\w\s]")
_NUMBER = re.compile(r"\w*\d\w*")
_MARKUP = re.compile(r"(?m)^[ \t]*(?:[>#]+[ \t]+(?!\d))+|\*\*|`")
"""Quoting, headings and emphasis: they differ between the formats of one text. `> 5` is no quote."""
_BULLET = re.compile(r"(?m)^([ \t]*)[*•‣◦](?=[ \t])")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?:[ \t]*\n[ \t]*)?(?=[^\W\d_])")
"""Between letters, so also where a word was divided at a line's end."""
_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»", '"'),
        **dict.fromkeys("‘’‚‛", "'"),
        **dict.fromkeys("‐‑–—", "-"),
        "…": "...",
        "\u00ad": "",
    }
)
_DROPPED = bytes(
    b for b in range(256) if (b < 0x80 and not chr(b).isalnum()) or b < 0xC0 <= b + 0x40 or b in b"\xc2\xe2"
)
"""Bytes of UTF-8 in which copies may differ: ASCII that is no letter or digit, and all that typography is made of."""
_ENDS = ".!?)]}|。！？」』）"
"""What may stand at the end of a stretch, and before it. After a word or a colon, a `not` could be cut off."""


def collapsed(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits that say something new, best first, ranks counted anew; the others stand in the `also` of the first.

    A hit says nothing new where an earlier one holds all its words in their order, whatever the line breaks, quotes and
    markup. Case, numbers, signs and every single word count. Headings whose numbers disagree (`v1`, `v2`) keep the same
    text apart, and so do any different headings where the text is short.
    """
    kept: list[_Said] = []
    also: list[list[StoredChunk]] = []
    for hit in hits:
        said = _Said(hit)
        place = next((place for place, better in enumerate(kept) if better.covers(said)), None)
        if place is None:
            kept.append(said)
            also.append([*hit.also])
        else:
            also[place] += [hit.chunk, *hit.also]
    return tuple(
        replace(said.hit, rank=rank, also=tuple(others))
        for rank, (said, others) in enumerate(zip(kept, also, strict=True), start=1)
    )


def diversified(scores: Sequence[float], vectors: Vectors, k: int, trade_off: float) -> list[int]:
    """The places of at most `k` candidates, in the order in which they are chosen. The best score comes first.

    Maximal marginal relevance (Carbonell and Goldstein 1998): each next one has the highest
    `trade_off * score - (1 - trade_off) * cosine to the nearest one chosen`. Scores are brought to 0..1 over the
    candidates, since fused scores have no scale; a cosine below 0 counts as 0. `vectors` has shape
    `(len(scores), dimensions)`, rows of norm 1. A `trade_off` of 1 is the order of the scores.
    """
    import numpy as np

    if not len(scores) or k < 1:
        return []
    relevance = np.asarray(scores, dtype=np.float64)
    best = int(relevance.argmax())
    spread = relevance.max() - relevance.min()
    relevance = (relevance - relevance.min()) / spread if spread > 0 else np.zeros_like(relevance)
    nearest = np.zeros(len(relevance))
    left = np.ones(len(relevance), dtype=bool)
    chosen: list[int] = []
    while True:
        chosen.append(best)
        if len(chosen) == min(k, len(relevance)):
            return chosen
        left[best] = False
        nearest = np.maximum(nearest, vectors @ vectors[best])
        gain = np.where(left, trade_off * relevance - (1 - trade_off) * nearest, -np.inf)
        best = int(gain.argmax())


class _Said:
    """What a hit says, in forms in which copies are equal."""

    def __init__(self, hit: Hit) -> None:
        self.hit = hit
        self._rough = hit.chunk.text.encode("utf-8", "surrogatepass").translate(None, _DROPPED)

    def covers(self, other: _Said) -> bool:
        """Whether `other` adds nothing. The rough form rules nearly all pairs out, fast, and never a copy."""
        return (
            other._rough in self._rough
            and self._may_go_where(other)
            and _is_stretch(other._form, self._form)
            and self._same_matter(other)
        )

    def _may_go_where(self, other: _Said) -> bool:
        """Whether we are no more guarded: a copy that may be sent must not hide behind one that may not."""
        return self.hit.chunk.document.label.strictness <= other.hit.chunk.document.label.strictness

    def _same_matter(self, other: _Said) -> bool:
        ours, theirs = self.hit.chunk, other.hit.chunk
        if theirs.head != ours.head and theirs.head not in ours.text:
            return False  # the same figures under other columns
        if len(WORD.findall(theirs.text)) < _STANDS_ALONE:
            return (ours.document.title, ours.headings) == (theirs.document.title, theirs.headings)
        our_numbers, their_numbers = _numbers(ours.headings), _numbers(theirs.headings)
        return our_numbers == their_numbers or not (our_numbers and their_numbers)

    @cached_property
    def _form(self) -> str:
        """The tokens with one blank between them, before and after."""
        text = self.hit.chunk.text
        if not text.isascii():
            text = text.translate(_TYPOGRAPHY)
        text = _HYPHEN.sub("", _BULLET.sub(r"\1-", _MARKUP.sub(" ", text)))
        return f" {' '.join(_TOKEN.findall(text))} "


def _is_stretch(part: str, whole: str) -> bool:
    """Whether `part` stands in `whole` as sentences, rows or items of it, not as a piece of one."""
    if part[-2] not in _ENDS and not whole.endswith(part):
        return False
    at = whole.find(part)
    while at > 0 and whole[at - 1] not in _ENDS:
        at = whole.find(part, at + 1)
    return at >= 0


def _numbers(headings: Sequence[str]) -> set[str]:
    return set(_NUMBER.findall(" ".join(headings)))
