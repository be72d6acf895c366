"""The process that reads a Parquet file which somebody else may have made, and hands on what is plain in it.

It tells the file's facts, and then, asked for each batch, the hashes with their vectors, one after the other, as bytes,
until it tells that this was the end; or why the file is refused. Whatever a hostile file does to the library happens in
here, within bounds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from hybridrag.isolated.inside import Parent
from hybridrag.vectorfile.facts import HASH_BYTES, KEY, Facts

MOST_IN_BATCH = 4_096
_MOST_FOOTER = 16 << 20
"""Bytes of metadata: a group of rows takes 500, so they suffice for hundreds of millions of vectors."""
_MOST_GROUP_ROWS = 1 << 20
_MOST_GROUP_BYTES = 1 << 30
_MAGIC = b"PAR1"


class Refused(Exception):
    """The file is not what it should be; the message tells people why."""


def serve(parent: Parent, settings: dict[str, Any]) -> None:
    """Serves until nothing more is asked. `settings` are `file`, the descriptor of one that can be sought in."""
    try:
        with os.fdopen(settings["file"], "rb") as file:
            _check_footer(file)
            opened, facts = _opened(file)
            parent.tell({"facts": facts.to_json()})
            for hashes, vectors in _batches(opened, facts):
                if parent.request() is None:
                    return
                parent.tell({}, hashes + vectors)
        if parent.request() is not None:
            parent.tell({"end": True})
    except Exception as exc:  # whatever the library makes of it
        parent.tell({"refused": str(exc) if isinstance(exc, Refused) else _plain(exc)})


def _plain(exc: BaseException) -> str:
    if isinstance(exc, MemoryError):
        return "reading it takes more memory than a file of vectors may"
    return f"it is no sound Parquet file ({type(exc).__name__})"


def _check_footer(file: BinaryIO) -> None:
    """The size of the metadata, before anything reads them."""
    size = file.seek(0, os.SEEK_END)
    if size < 12:
        raise Refused("it is no Parquet file")
    file.seek(-8, os.SEEK_END)
    footer, magic = int.from_bytes(file.read(4), "little"), file.read(4)
    if magic != _MAGIC:
        raise Refused("it is no Parquet file, or its end is missing")
    if not 0 < footer <= min(_MOST_FOOTER, size - 12):
        raise Refused("it tells an impossible amount of metadata")
    file.seek(0)


def _opened(file: BinaryIO) -> tuple[Any, Facts]:
    """The file and its facts. Everything it declares is checked before a row is read."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    pa.set_io_thread_count(1)
    opened = ParquetFile(
        file,
        buffer_size=1 << 20,  # read column by column in pieces, never a whole group at once
        pre_buffer=False,
        thrift_string_size_limit=_MOST_FOOTER,
        thrift_container_size_limit=1 << 20,
    )
    told = (opened.metadata.metadata or {}).get(KEY)
    if told is None:
        raise Refused("it is no file of vectors: it was not written by `hybridrag reindex export`")
    try:
        facts = Facts.of_json(told)
    except ValueError as exc:
        raise Refused(str(exc)) from None
    _check_columns(opened.schema_arrow, facts.dimensions)
    if opened.metadata.num_rows != facts.count:
        raise Refused(f"it holds {opened.metadata.num_rows:,} vectors where {facts.count:,} were written")
    for number in range(opened.metadata.num_row_groups):
        group = opened.metadata.row_group(number)
        if not 0 <= group.num_rows <= _MOST_GROUP_ROWS or not 0 <= group.total_byte_size <= _MOST_GROUP_BYTES:
            raise Refused("its groups of rows are too large")
    return opened, facts


def _check_columns(schema: Any, dimensions: int) -> None:
    import pyarrow as pa

    kinds = {field.name: field.type for field in schema}
    vector: Any = kinds.get("vector")
    right = (
        [field.name for field in schema] == ["fingerprint", "text_hash", "vector"]
        and kinds["fingerprint"] in (pa.string(), pa.dictionary(pa.int32(), pa.string()))
        and kinds["text_hash"] == pa.binary(HASH_BYTES)
        and pa.types.is_fixed_size_list(vector)
        and vector.value_type == pa.float16()
        and vector.list_size == dimensions
    )
    if not right:
        raise Refused(
            "its columns are not fingerprint (string), text_hash (32 bytes) and vector "
            f"({dimensions} numbers of 16 bits)"
        )


def _batches(opened: Any, facts: Facts) -> Iterator[tuple[bytes, bytes]]:
    """Hashes and vectors of each batch, as bytes."""
    groups = range(opened.metadata.num_row_groups)
    batches = (opened.iter_batches(MOST_IN_BATCH, row_groups=[group], use_threads=False) for group in groups)
    for batch in chain.from_iterable(batches):
        fingerprints, hashes, vectors = batch.columns
        numbers = vectors.flatten()
        rows = len(batch)
        if fingerprints.null_count or hashes.null_count or vectors.null_count or numbers.null_count:
            raise Refused("it has gaps")
        if len(numbers) != rows * facts.dimensions:
            raise Refused("its vectors are not of one length")
        if set(fingerprints.unique().to_pylist()) - {facts.fingerprint}:
            raise Refused("it holds vectors of several fingerprints")
        yield _bytes(hashes, HASH_BYTES), _bytes(numbers, 2)


def _bytes(array: Any, width: int) -> bytes:
    """What stands in an array of fixed width without gaps, as it is."""
    start = array.offset * width
    return bytes(array.buffers()[1][start : start + len(array) * width])
