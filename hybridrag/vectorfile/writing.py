"""Writes vectors to a Parquet file, a group of rows at a time: it appears whole and private, or not at all."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from hybridrag.drafts import draft_of
from hybridrag.errors import ConfigError, UsageError
from hybridrag.vectorfile.facts import HASH_BYTES, KEY, Facts

ROWS = 8_192
"""Vectors in a group of rows: 6 MB of 384 dimensions."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where vectors come from; see `Facts`."""

    fingerprint: str
    model: str
    dimensions: int
    chunking: Mapping[str, Any]
    probe_texts: bytes
    probes: bytes
    made_by: str


def check_pyarrow() -> None:
    """Raises ConfigError where the library that reads and writes Parquet is not installed."""
    if importlib.util.find_spec("pyarrow") is None:
        raise ConfigError(
            "files of vectors need pyarrow, which is not installed", hint="pip install 'hybridrag[parquet]'"
        )


def check_place(path: Path, *, force: bool) -> None:
    """Raises UsageError where no file can be written to `path`, before any work is done for it."""
    if not force and os.path.lexists(path):
        raise _exists(path)
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no regular file", hint="name a file")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint="make it first")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"you may not write to {path.parent}", hint="name a file in another folder")


def write_vectors(
    path: Path, origin: Origin, batches: Iterable[tuple[Sequence[bytes], bytes]], *, force: bool
) -> tuple[Facts, int]:
    """Writes batches of text hashes and their vectors; returns what the file tells of itself, and its size in bytes.

    The hashes come in order, each once; the vectors of a batch are float16, little-endian, row by row. Raises
    UsageError where the file cannot be written, or is there and not `force`: then what was there stays.
    """
    with _whole_file(path, force=force) as file:
        facts = _write(file, origin, batches)
        file.flush()
        size = os.fstat(file.fileno()).st_size
    return facts, size


def _write(file: BinaryIO, origin: Origin, batches: Iterable[tuple[Sequence[bytes], bytes]]) -> Facts:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    digest, count, width = hashlib.sha256(), 0, 2 * origin.dimensions
    fingerprints = pa.dictionary(pa.int32(), pa.string())
    vectors = pa.list_(pa.field("element", pa.float16(), nullable=False), origin.dimensions)
    columns = [("fingerprint", fingerprints), ("text_hash", pa.binary(HASH_BYTES)), ("vector", vectors)]
    schema = pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns])
    with ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=["fingerprint"],
        # High bytes of numbers beside high bytes: a seventh smaller, where zstd alone finds half of that.
        use_byte_stream_split=["vector.list.element"],
        write_statistics=False,
    ) as writer:
        for hashes, packed in batches:
            for place, text_hash in enumerate(hashes):
                digest.update(text_hash)
                digest.update(packed[place * width : (place + 1) * width])
            rows = len(hashes)
            count += rows
            indices = pa.array([0] * rows, pa.int32())
            numbers = pa.Array.from_buffers(pa.float16(), rows * origin.dimensions, [None, pa.py_buffer(packed)])
            table = pa.Table.from_arrays(
                [
                    pa.DictionaryArray.from_arrays(indices, pa.array([origin.fingerprint])),
                    pa.array(hashes, pa.binary(HASH_BYTES)),
                    pa.FixedSizeListArray.from_arrays(numbers, type=vectors),
                ],
                schema=schema,
            )
            writer.write_table(table, row_group_size=ROWS)
        facts = Facts(
            fingerprint=origin.fingerprint,
            model=origin.model,
            dimensions=origin.dimensions,
            count=count,
            sha256=digest.hexdigest(),
            chunking=origin.chunking,
            probe_texts=origin.probe_texts,
            probes=origin.probes,
            made_by=origin.made_by,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        writer.add_key_value_metadata({KEY: facts.to_json().encode()})
    return facts


@contextmanager
def _whole_file(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A new file, mode 0600, that takes its name, and lies safely on the disk, when the block has ended well."""
    try:
        with draft_of(Path(os.path.realpath(path)), replace=force) as draft, draft.open("wb") as file:
            yield file
    except FileExistsError:
        raise _exists(path) from None
    except OSError as exc:
        hint = "free space" if exc.errno in (errno.ENOSPC, errno.EDQUOT) else "choose another place"
        raise UsageError(f"{path} cannot be written: {exc.strerror or exc}", hint=hint) from exc


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} exists", hint="choose another name, or say --force to replace it")
