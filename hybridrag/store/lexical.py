"""The lexical index in its tables: postings to bytes and back, segments written, merged and compacted.

See `migrations/0004_retrieval.sql` for the form, and `docs/decisions/0012-lexical-index.md` for why.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hybridrag.store.queries import statement
from hybridrag.types import LexicalIndex, Postings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hybridrag.store.connection import Connection

_ENTRY = struct.Struct(">iHH")
_MOST = 32_767
"""What PostgreSQL's int2 holds: a chunk has never so many terms that more would matter."""
_FANOUT = 8
"""So many neighbouring segments of a size become one: each entry is written again about once per factor of eight."""
_SMALLEST = 512
"""Chunks below which segments count as one size: two batches of an ingest."""
_COMPACTED_AT = 0.1
"""The share of buried chunks above which the index is written anew without them."""
_ROWS_TOGETHER = 20_000
"""Terms whose entries are compacted at once."""


def figures(tx: Connection, chunk_set: int) -> LexicalIndex:
    """The index as a whole."""
    import numpy as np

    with tx.cursor(binary=True) as cursor:
        row = cursor.execute(statement("lexical_figures"), {"chunk_set": chunk_set}).fetchone()
    assert row is not None  # an aggregate
    buried: NDArray[np.int32] = np.frombuffer(row["buried"], dtype=">i4").astype(np.int32)
    return LexicalIndex(
        chunks=int(row["chunks"]),
        terms=int(row["terms"]),
        last=int(row["last"]),
        analysers=tuple(row["analysers"]),
        buried=buried,
    )


def last_number(tx: Connection, chunk_set: int) -> int:
    """The highest number that a chunk ever had; 0 before the first."""
    row = tx.execute(statement("last_number"), {"chunk_set": chunk_set}).fetchone()
    assert row is not None  # an aggregate
    return int(row["last"])


def living(tx: Connection, chunk_set: int) -> int:
    """How many chunks there are."""
    written, buried = _counts(tx, chunk_set)
    return written - buried


def frequencies(tx: Connection, chunk_set: int, terms: Sequence[str]) -> dict[str, int]:
    """How many chunks hold each of the terms, buried ones included; terms that stand nowhere are left out."""
    rows = tx.execute(statement("frequencies"), {"chunk_set": chunk_set, "terms": list(terms)})
    return {row["term"]: row["chunks"] for row in rows}


def postings(tx: Connection, chunk_set: int, terms: Sequence[str]) -> dict[str, Postings]:
    """The entries of those terms that the index holds, buried chunks included."""
    parts: dict[str, list[bytes]] = {}
    with tx.cursor(binary=True) as cursor:
        for row in cursor.execute(statement("postings"), {"chunk_set": chunk_set, "terms": list(terms)}):
            parts.setdefault(row["term"], []).append(row["entries"])
    return {term: _decoded(b"".join(entries)) for term, entries in parts.items()}


def write_segment(
    tx: Connection, chunk_set: int, *, first: int, chunks: Sequence[Mapping[str, int]], analysers: Sequence[str]
) -> None:
    """Adds the chunks numbered `first`, `first + 1`, ..., given by the frequencies of their terms, as a segment."""
    if not chunks:
        return
    entries: dict[str, bytearray] = {}
    total = 0
    for number, terms in enumerate(chunks, start=first):
        length = sum(terms.values())
        total += length
        for term, frequency in terms.items():
            entries.setdefault(term, bytearray()).extend(_entry(number, frequency, length))
    tx.execute(
        statement("insert_segment"),
        {
            "chunk_set": chunk_set,
            "first": first,
            "last": first + len(chunks) - 1,
            "chunks": len(chunks),
            "terms": total,
            "analysers": sorted(set(analysers)),
        },
    )
    _copy(tx, chunk_set, first, ((term, bytes(entries[term])) for term in sorted(entries)))


def merge_segments(tx: Connection, chunk_set: int) -> None:
    """Merges the newest segments where there are many of a size."""
    rows = tx.execute(statement("segments"), {"chunk_set": chunk_set}).fetchall()
    while mergeable := _newest_alike([row["chunks"] for row in rows]):
        merged = rows[-mergeable:]
        key = {"chunk_set": chunk_set, "segments": [row["first"] for row in merged]}
        tx.execute(statement("merge_postings"), key)
        tx.execute(statement("merge_segments"), key)
        rows = tx.execute(statement("segments"), {"chunk_set": chunk_set}).fetchall()


def needs_compaction(tx: Connection, chunk_set: int) -> bool:
    written, buried = _counts(tx, chunk_set)
    return buried > _COMPACTED_AT * written


def compact(tx: Connection, chunk_set: int) -> None:
    """Writes the index anew, as one segment without the buried chunks."""
    import numpy as np

    index = figures(tx, chunk_set)
    segments = tx.execute(statement("segments"), {"chunk_set": chunk_set}).fetchall()
    if not segments:
        return
    alive = np.ones(index.last + 1, dtype=bool)
    alive[index.buried] = False
    tx.execute(statement("create_living"))
    with tx.cursor(name="compaction", binary=True) as cursor, tx.cursor() as writer:
        cursor.execute(statement("all_postings"), {"chunk_set": chunk_set})
        while rows := cursor.fetchmany(_ROWS_TOGETHER):
            with writer.copy(statement("copy_living")) as copy:
                copy.set_types(["text", "bytea"])
                for row in _living([(row["term"], row["entries"]) for row in rows], alive):
                    copy.write_row(row)
    key = {"chunk_set": chunk_set, "segments": [row["first"] for row in segments], "first": segments[0]["first"]}
    tx.execute(statement("delete_postings"), key)
    tx.execute(statement("insert_living"), key)
    tx.execute(statement("merge_segments"), key)
    tx.execute(statement("settle_segment"), key)
    tx.execute(statement("forget_buried"), key)


def _counts(tx: Connection, chunk_set: int) -> tuple[int, int]:
    row = tx.execute(statement("lexical_counts"), {"chunk_set": chunk_set}).fetchone()
    assert row is not None  # aggregates
    return row["written"], row["buried"]


def _newest_alike(sizes: Sequence[int]) -> int:
    """How many of the newest segments to merge, 0 for none: eight of a size, with the smaller ones between them."""
    levels = [_level(size) for size in sizes]
    for level in sorted(set(levels)):
        larger = next((place for place, other in enumerate(reversed(levels)) if other > level), len(levels))
        if levels[len(levels) - larger :].count(level) >= _FANOUT:
            return larger
    return 0


def _level(chunks: int) -> int:
    level = 0
    while chunks >= _SMALLEST * _FANOUT**level:
        level += 1
    return level


def _entry(number: int, frequency: int, length: int) -> bytes:
    return _ENTRY.pack(number, min(frequency, _MOST), min(length, _MOST))


def _decoded(entries: bytes) -> Postings:
    import numpy as np

    raw = np.frombuffer(entries, dtype=[("number", ">i4"), ("frequency", ">u2"), ("length", ">u2")])
    return Postings(
        numbers=raw["number"].astype(np.int32),
        frequencies=raw["frequency"].astype(np.float32),
        lengths=raw["length"].astype(np.float32),
    )


def _living(rows: Sequence[tuple[str, bytes]], alive: NDArray[np.bool_]) -> Iterator[tuple[str, bytes]]:
    """The rows without the entries of chunks that are not alive, and without those that have none left."""
    import numpy as np

    entries = np.frombuffer(b"".join(row[1] for row in rows), dtype=[("number", ">i4"), ("rest", ">u4")])
    kept = alive[entries["number"]]
    ends = np.cumsum([len(row[1]) // _ENTRY.size for row in rows])
    remaining = np.concatenate([[0], np.cumsum(kept)])[np.concatenate([[0], ends])]
    data = entries[kept].tobytes()
    for (term, _), start, end in zip(rows, remaining[:-1] * _ENTRY.size, remaining[1:] * _ENTRY.size, strict=True):
        if end > start:
            yield term, data[start:end]


def _copy(tx: Connection, chunk_set: int, segment: int, rows: Iterator[tuple[str, bytes]]) -> None:
    with tx.cursor() as cursor, cursor.copy(statement("copy_postings")) as copy:
        copy.set_types(["int8", "int4", "text", "bytea"])
        for term, entries in rows:
            copy.write_row((chunk_set, segment, term, entries))
