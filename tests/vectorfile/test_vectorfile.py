"""A file of vectors comes back as it was written, and any other file is refused with a reason, whatever is in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow.parquet import ParquetFile, ParquetWriter, read_table, write_table

from hybridrag.errors import UsageError
from hybridrag.vectorfile import Facts, Origin, VectorFile, write_vectors
from hybridrag.vectorfile.facts import KEY

DIMENSIONS = 8
ROWS = 20
ORIGIN = Origin(
    fingerprint="f" * 64,
    model="some-model",
    dimensions=DIMENSIONS,
    chunking={"max_tokens": 256, "tokenizer": "t"},
    probe_texts=b"texts",
    probes=bytes(range(256)),
    made_by="hybridrag 1",
)


def halves(rows: int = ROWS, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float16]]:
    drawn = np.random.default_rng(seed).normal(size=(rows, DIMENSIONS))
    found: np.ndarray[Any, np.dtype[np.float16]] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype("<f2")
    return found


HASHES = sorted(hashlib.sha256(bytes([number])).digest() for number in range(ROWS))
VECTORS = halves()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.parquet"
    batches = [(HASHES[:7], VECTORS[:7].tobytes()), (HASHES[7:], VECTORS[7:].tobytes())]
    write_vectors(path, ORIGIN, batches, force=False)
    return path


def read(path: Path) -> tuple[Facts, list[bytes], bytes]:
    with VectorFile(path) as opened:
        batches = [*opened.batches()]
        hashes = [text_hash for batch in batches for text_hash in batch.hashes]
        return opened.facts, hashes, b"".join(batch.vectors.tobytes() for batch in batches)


def digest(hashes: list[bytes], vectors: np.ndarray[Any, np.dtype[np.float16]]) -> str:
    return hashlib.sha256(b"".join(h + v.tobytes() for h, v in zip(hashes, vectors, strict=True))).hexdigest()


def test_what_is_written_is_read_to_the_bit(file: Path) -> None:
    facts, hashes, vectors = read(file)
    assert (hashes, vectors) == (HASHES, VECTORS.tobytes())
    assert facts.sha256 == digest(HASHES, VECTORS)
    assert (facts.count, facts.probes, facts.chunking) == (ROWS, ORIGIN.probes, ORIGIN.chunking)
    assert file.stat().st_mode & 0o777 == 0o600


def test_other_programs_read_it_as_numbers(file: Path) -> None:
    table = read_table(file)
    assert table.column_names == ["fingerprint", "text_hash", "vector"]
    assert table["fingerprint"].to_pylist() == [ORIGIN.fingerprint] * ROWS
    assert np.array_equal(np.array(table["vector"].to_pylist(), dtype=np.float16), VECTORS)


def test_a_file_without_vectors_is_one(tmp_path: Path) -> None:
    path = tmp_path / "none.parquet"
    write_vectors(path, ORIGIN, [], force=False)
    assert read(path)[1:] == ([], b"")


def test_a_file_that_is_there_stays_unless_forced_and_where_writing_fails(file: Path) -> None:
    def broken() -> Any:
        yield HASHES[:1], VECTORS[:1].tobytes()
        raise OSError(28, "No space left on device")

    before = file.read_bytes()
    with pytest.raises(UsageError, match="exists"):
        write_vectors(file, ORIGIN, [], force=False)
    with pytest.raises(UsageError, match="No space left on device"):
        write_vectors(file, ORIGIN, broken(), force=True)
    assert file.read_bytes() == before
    assert [*file.parent.iterdir()] == [file]
    write_vectors(file, ORIGIN, [], force=True)
    assert read(file)[1] == []


def test_a_file_that_changes_between_two_readings_gives_nothing_of_the_change(file: Path, tmp_path: Path) -> None:
    with VectorFile(file) as opened:
        [*opened.batches()]
        rewrite(file, tmp_path / "other.parquet", vectors=halves(seed=2))
        file.write_bytes((tmp_path / "other.parquet").read_bytes())
        with pytest.raises(UsageError, match="changed while it was read"):
            next(opened.batches())


# --- files that are none ---------------------------------------------------------------------------------------------


def rewrite(
    source: Path,
    target: Path,
    *,
    hashes: list[bytes] = HASHES,
    vectors: np.ndarray[Any, Any] = VECTORS,
    facts: Callable[[Facts], Facts] = lambda facts: facts,
    columns: Callable[[pa.Table], pa.Table] = lambda table: table,
    honest: bool = True,
) -> Path:
    """The file with other contents, and, if `honest`, a count and a checksum that fit."""
    told = Facts.of_json(ParquetFile(source).metadata.metadata[KEY])
    if honest:
        told = replace(told, count=len(hashes), sha256=digest(hashes, vectors))
    numbers = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).reshape(-1)), vectors.shape[1])
    table = columns(
        pa.table(
            {
                "fingerprint": pa.array([told.fingerprint] * len(hashes)),
                "text_hash": pa.array(hashes, pa.binary(32)),
                "vector": numbers,
            }
        )
    )
    with ParquetWriter(target, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({KEY: facts(told).to_json().encode()})
    return target


def changed(row: int, vector: list[float]) -> np.ndarray[Any, np.dtype[np.float16]]:
    vectors = VECTORS.copy()
    vectors[row] = vector
    return vectors


def nested(depth: int) -> pa.Array:
    found = pa.array([1] * ROWS)
    for _ in range(depth):
        found = pa.StructArray.from_arrays([found], ["x"])
    return found


Change = dict[str, Any]
HOSTILE: dict[str, tuple[Change, str]] = {
    "not a number": ({"vectors": changed(3, [float("nan")] * 8)}, "row 4 has the length nan"),
    "infinite": ({"vectors": changed(3, [float("inf")] * 8)}, "row 4 has the length inf"),
    "zero": ({"vectors": changed(3, [0.0] * 8)}, "row 4 has the length 0, not 1"),
    "not unit": ({"vectors": changed(3, [0.5] + [0.0] * 7)}, "row 4 has the length 0.5"),
    "twice": ({"hashes": [*HASHES[:5], HASHES[4], *HASHES[6:]]}, "row 6 repeats a text hash"),
    "disorder": ({"hashes": [HASHES[1], HASHES[0], *HASHES[2:]]}, "out of their order"),
    "checksum": ({"vectors": halves(seed=2), "honest": False}, "its checksum is not that of its vectors"),
    "count": ({"facts": lambda facts: replace(facts, count=ROWS + 1)}, "holds 20 vectors where 21 were written"),
    "dimensions": ({"facts": lambda facts: replace(facts, dimensions=9)}, "its columns are not"),
    "too many dimensions": ({"facts": lambda facts: replace(facts, dimensions=10**9)}, "its metadata are damaged"),
    "fingerprints": (
        {"columns": lambda table: table.set_column(0, "fingerprint", pa.array(["f" * 64] * 19 + ["e" * 64]))},
        "several fingerprints",
    ),
    "wide numbers": (
        {
            "columns": lambda table: table.set_column(
                2, "vector", table["vector"].cast(pa.list_(pa.float32(), DIMENSIONS))
            )
        },
        "its columns are not",
    ),
    "gaps": (
        {"columns": lambda table: table.set_column(1, "text_hash", pa.array([None] * ROWS, pa.binary(32)))},
        "it has gaps",
    ),
    "another column": ({"columns": lambda table: table.append_column("text", nested(20))}, "its columns are not"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_was_tampered_with_is_refused(file: Path, tmp_path: Path, kind: str) -> None:
    change, reason = HOSTILE[kind]
    with pytest.raises(UsageError, match=reason):
        read(rewrite(file, tmp_path / "hostile.parquet", **change))


def flipped(data: bytes) -> bytes:
    middle = len(data) // 3
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: b"", "no Parquet file"),
        (lambda data: b"text_hash,vector\n" * 10, "no Parquet file"),
        (lambda data: data[: len(data) // 2], "no Parquet file, or its end is missing"),
        (lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1", "impossible amount of metadata"),
        (lambda data: data[:4] + b"PAR1" * 400 + b"\x40\x06\x00\x00PAR1", "no sound Parquet"),
        (flipped, "cannot be imported"),
    ],
    ids=["empty", "text", "cut", "footer", "garbage", "flipped"],
)
def test_a_file_that_is_damaged_is_refused(file: Path, damage: Callable[[bytes], bytes], reason: str) -> None:
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UsageError, match=reason):
        read(file)


def test_a_file_that_unpacks_to_more_than_it_may_is_refused_before_it_is_read(file: Path, tmp_path: Path) -> None:
    rows = (1 << 20) + 1
    many = tmp_path / "many.parquet"
    facts = replace(Facts.of_json(ParquetFile(file).metadata.metadata[KEY]), count=rows)
    table = pa.table(
        {
            "fingerprint": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), [facts.fingerprint]),
            "text_hash": pa.Array.from_buffers(pa.binary(32), rows, [None, pa.py_buffer(bytes(32 * rows))]),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(8 * rows, np.float16)), DIMENSIONS),
        }
    )
    with ParquetWriter(many, table.schema, compression="zstd") as writer:
        writer.write_table(table, row_group_size=rows)
        writer.add_key_value_metadata({KEY: facts.to_json().encode()})
    assert many.stat().st_size < 1 << 20
    with pytest.raises(UsageError, match="groups of rows are too large"):
        read(many)


def test_a_parquet_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    write_table(pa.table({"x": [1, 2, 3]}), path)
    with pytest.raises(UsageError, match="not written by `hybridrag reindex export`"):
        read(path)


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, reason in ((tmp_path, "it is a folder"), (tmp_path / "none", "No such file")):
        with pytest.raises(UsageError, match=reason):
            VectorFile(path)
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="no regular file"):
        VectorFile(tmp_path / "link")
    with pytest.raises(UsageError, match="no regular file"):
        VectorFile(tmp_path / "pipe")
