"""Ways to cut a document: ours, the libraries that are installed, and the recursive way that most peers ship.

Each gives spans of the text with what the model is to be given for them, within a budget of the model's tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

from hybridrag.chunking import StructuralChunker
from hybridrag.models import FastTokenizer
from hybridrag.types import Document

Cut = list[tuple[int, int, str]]
Way = Callable[[Document], Cut]
SEPARATORS = ("\n\n", "\n", ".", "?", "!", " ", "")
"""Those of the recursive splitter in the published evaluation."""


def ways(tokenizer: FastTokenizer, budget: int) -> dict[str, Way | None]:
    """Every way by its name, None for a library that is not installed."""
    return {
        "ours": ours(tokenizer, budget),
        "recursive": _titled(tokenizer, budget, lambda room: lambda text: recursive(text, room, tokenizer)),
        "semantic-text-splitter": _titled(tokenizer, budget, lambda room: _semantic(tokenizer, room))
        if find_spec("semantic_text_splitter")
        else None,
        "semchunk": _titled(tokenizer, budget, lambda room: _semchunk(tokenizer, room))
        if find_spec("semchunk")
        else None,
        "chonkie": _titled(tokenizer, budget, lambda room: _chonkie(tokenizer, room)) if find_spec("chonkie") else None,
    }


def ours(tokenizer: FastTokenizer, budget: int) -> Way:
    chunker = StructuralChunker(tokenizer, max_tokens=budget)
    return lambda document: [(chunk.start, chunk.end, chunk.embed_text) for chunk in chunker.chunk(document)]


Spans = Callable[[str], list[tuple[int, int]]]


def _titled(tokenizer: FastTokenizer, budget: int, make: Callable[[int], Spans]) -> Way:
    """A way that knows text only, with the document's title in front of each chunk, counted within the budget."""

    def cut(document: Document) -> Cut:
        title = f"{document.title}\n"
        room = budget - tokenizer.count([title])[0]
        text = document.text
        return [(start, end, title + text[start:end]) for start, end in make(room)(text) if text[start:end].strip()]

    return cut


def _semantic(tokenizer: FastTokenizer, room: int) -> Spans:
    splitter = import_module("semantic_text_splitter").MarkdownSplitter.from_huggingface_tokenizer(
        _unbounded(tokenizer), room
    )
    return lambda text: [(start, start + len(chunk)) for start, chunk in splitter.chunk_indices(text)]


def _semchunk(tokenizer: FastTokenizer, room: int) -> Spans:
    chunker = import_module("semchunk").chunkerify(lambda text: len(tokenizer.plain_ids([text])[0]), room)
    return lambda text: [*chunker(text, offsets=True)[1]]


def _chonkie(tokenizer: FastTokenizer, room: int) -> Spans:
    chunker = import_module("chonkie").RecursiveChunker(tokenizer=_unbounded(tokenizer), chunk_size=room)
    return lambda text: [(chunk.start_index, chunk.end_index) for chunk in chunker.chunk(text)]


def _unbounded(tokenizer: FastTokenizer) -> Any:
    """The library's own tokenizer object, which neither truncates nor pads."""
    from tokenizers import Tokenizer

    from hybridrag.models.spec import tokenizer_file

    whole = Tokenizer.from_file(str(tokenizer_file(tokenizer.spec)))
    whole.no_truncation()
    whole.no_padding()
    return whole


def recursive(text: str, room: int, tokenizer: FastTokenizer) -> list[tuple[int, int]]:
    """Spans cut at the first separator that the text has, joined while they fit, cut at the next where they do not."""
    starts = [start for start, _ in tokenizer.offsets(text)]
    return [*_recursive(text, 0, len(text), starts, room, SEPARATORS)]


def _recursive(
    text: str, start: int, end: int, starts: list[int], room: int, separators: tuple[str, ...]
) -> Iterator[tuple[int, int]]:
    from bisect import bisect_left

    def tokens(first: int, last: int) -> int:
        return bisect_left(starts, last) - bisect_left(starts, first)

    separator, *others = separators
    edges = [start]
    if separator:
        place = text.find(separator, start, end)
        while place >= 0:
            edges.append(place + len(separator))
            place = text.find(separator, edges[-1], end)
    else:
        first, last = bisect_left(starts, start), bisect_left(starts, end)
        edges.extend(starts[first + room : last : room])
    edges = sorted({*edges, end})
    first = start
    for here, there in pairwise(edges):
        if tokens(first, there) > room:
            if first < here:
                yield first, here
            first = here
            if tokens(here, there) > room and others:
                yield from _recursive(text, here, there, starts, room, tuple(others))
                first = there
    if first < end:
        yield first, end
