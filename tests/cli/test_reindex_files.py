"""Vectors embedded in one home are served in another: the same to the bit, and none that the model would not give."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from pyarrow.parquet import ParquetFile, ParquetWriter, read_table

from hybridrag.vectorfile import Facts
from hybridrag.vectorfile.facts import KEY
from tests.conftest import CommandLine, Here, Prepared
from tests.models.tiny import write_static_model

TEXTS = {
    "travel.md": "# Travel\n\n## Meals\n\nThe meal allowance is 62 euros.\n\n## Hotels\n\nA night costs 90 euros.",
    "leave.md": "# Leave\n\nParental leave is granted for twelve weeks.\n\n## Notice\n\nTell the team lead in writing.",
    "copy.md": "# Travel\n\n## Meals\n\nThe meal allowance is 62 euros.\n\n## Hotels\n\nA night costs 90 euros.",
}


@pytest.fixture(scope="module")
def begun(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Documents indexed by the tiny model, and a generation of another model and other chunks that lacks everything."""
    other = write_static_model(tmp_path_factory.mktemp("other-model"), dimensions=32, seed=2)
    docs = prepared.cli.home / "docs"
    docs.mkdir()
    for name, text in TEXTS.items():
        (docs / name).write_text(text)
    for arguments in (
        ["ingest", str(docs)],
        ["reindex", "start", "--embedder", str(other), "--chunk-tokens", "32"],
    ):
        done = prepared.cli(*arguments)
        assert done.code == 0, done.err
    return prepared


@pytest.fixture(scope="module")
def file(begun: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The vectors of the new generation, as another home with the same documents embedded them."""
    path = tmp_path_factory.mktemp("exported") / "vectors.parquet"
    with begun.copy(tmp_path_factory.mktemp("runner")) as cli:
        for arguments in (["reindex", "work"], ["reindex", "export", str(path), "--generation", "2"]):
            done = cli(*arguments)
            assert done.code == 0, done.err
    return path


@pytest.fixture
def home(begun: Prepared, tmp_path: Path, here: Here) -> Iterator[CommandLine]:
    """A home where the new generation lacks everything."""
    with begun.copy(tmp_path) as cli:
        yield here(cli)


def digest(file: Path) -> str:
    return Facts.of_json(ParquetFile(file).metadata.metadata[KEY]).sha256


def altered(
    source: Path,
    target: Path,
    change: Any = lambda vectors: vectors,
    *,
    rows: int | None = None,
    group: int = 100,
    **facts: Any,
) -> Path:
    """The file with other vectors, only the first, or of another fingerprint, and a checksum that fits."""
    table = read_table(source).slice(0, rows)
    hashes = table["text_hash"].to_pylist()
    vectors = change(np.array(table["vector"].to_pylist(), dtype=np.float16).reshape(-1, 32))
    sha256 = hashlib.sha256(b"".join(h + v.tobytes() for h, v in zip(hashes, vectors, strict=True))).hexdigest()
    told = replace(Facts.of_json(ParquetFile(source).metadata.metadata[KEY]), sha256=sha256, count=len(hashes), **facts)
    numbers = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    columns = {
        "fingerprint": pa.array([told.fingerprint] * len(hashes), pa.string()),
        "text_hash": table["text_hash"],
        "vector": numbers,
    }
    changed = pa.table(columns)
    with ParquetWriter(target, changed.schema) as writer:
        writer.write_table(changed, row_group_size=group)
        writer.add_key_value_metadata({KEY: told.to_json().encode()})
    return target


def new_generation(cli: CommandLine) -> dict[str, Any]:
    found: dict[str, Any] = cli("reindex", "status", "--json").json["generations"][-1]
    return found


def test_vectors_of_one_home_are_those_of_the_other_and_are_taken_once(
    home: CommandLine, file: Path, tmp_path: Path
) -> None:
    first = home("reindex", "import", str(file), "--json")
    assert first.code == 0, first.err
    (taken,), (generation,) = first.json["files"], first.json["generations"]
    assert (taken["taken"], taken["present"], taken["unused"]) == (taken["vectors"], 0, 0)
    assert taken["compared"] == taken["vectors"] > 3
    assert (generation["state"], generation["waiting"]) == ("ready", {"documents": 0, "texts": 0})

    back = tmp_path / "back.parquet"
    exported = home("reindex", "export", str(back), "--generation", "2", "--json").json
    assert exported["sha256"] == digest(back) == digest(file)
    assert exported["vectors"] == taken["vectors"] == generation["vectors"]
    assert back.stat().st_mode & 0o777 == 0o600

    (again,) = home("reindex", "import", str(file), str(back), "--json").json["files"][:1]
    assert (again["taken"], again["present"], again["compared"]) == (0, taken["vectors"], 0)
    assert home("reindex", "promote").code == 0
    assert "62 euros" in home("search", "meal allowance").out


def test_a_file_is_neither_replaced_unasked_nor_written_for_another_model(home: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    model = home.environment["HYBRIDRAG_EMBEDDER"]
    by_model = home("reindex", "export", str(path), "--embedder", model, "--json").json
    assert (by_model["generation"]["id"], by_model["complete"]) == (1, True)
    before = path.read_bytes()
    refused = home("reindex", "export", str(path))
    assert (refused.code, path.read_bytes()) == (2, before)
    assert "--force" in refused.err
    assert home("reindex", "export", str(path), "--force", "--generation", "2").code == 0
    assert ParquetFile(path).metadata.num_rows == 0
    unknown = home("reindex", "export", str(path), "--embedder", "none")
    assert (unknown.code, "is made of none" in unknown.err) == (2, True)


def test_what_is_missing_is_named_with_the_command_that_installs_it(
    home: CommandLine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for arguments in (["export", "x.parquet"], ["import", str(file)]):
        refused = home("reindex", *arguments)
        assert (refused.code, "pip install 'hybridrag[parquet]'" in refused.err) == (3, True)


def test_vectors_of_a_model_that_no_generation_has_are_refused(home: CommandLine, file: Path, tmp_path: Path) -> None:
    stranger = altered(file, tmp_path / "stranger.parquet", fingerprint="e" * 64, model="some-model")
    refused = home("reindex", "import", str(stranger))
    assert refused.code == 2
    ours = new_generation(home)["fingerprint"]
    assert "some-model (eeeeeeeeeeee)" in refused.err
    assert ours[:12] in refused.err
    assert "hybridrag reindex start --embedder some-model" in refused.err


def test_a_file_whose_vectors_are_not_the_models_is_refused_before_anything_is_written(
    home: CommandLine, file: Path, tmp_path: Path
) -> None:
    lying = altered(file, tmp_path / "lying.parquet", lambda vectors: np.roll(vectors, 1, axis=0))
    refused = home("reindex", "import", str(file), str(lying))
    assert refused.code == 2
    assert "its vectors are not what the model gives for the same texts" in refused.err
    assert new_generation(home)["vectors"] == 0, "nor from the file that is right"
    unseen = home("reindex", "import", str(lying), "--no-verify", "--json").json
    assert (unseen["files"][0]["taken"], unseen["files"][0]["compared"]) == (unseen["files"][0]["vectors"], 0)


def test_probe_vectors_tell_another_model_even_unseen(home: CommandLine, file: Path, tmp_path: Path) -> None:
    assert home("reindex", "work").code == 0, "which keeps the probes"
    facts = Facts.of_json(ParquetFile(file).metadata.metadata[KEY])
    other = np.roll(np.frombuffer(facts.probes, dtype="<f4").reshape(16, -1), 1, axis=0).tobytes()
    refused = home("reindex", "import", str(altered(file, tmp_path / "other.parquet", probes=other)), "--no-verify")
    assert (refused.code, "its model gave other vectors" in refused.err) == (2, True)


def test_without_its_model_here_vectors_are_taken_only_where_that_is_said(
    home: CommandLine, file: Path, tmp_path: Path
) -> None:
    part = home("reindex", "import", str(altered(file, tmp_path / "part.parquet", rows=2)), "--json").json
    assert part["files"][0]["taken"] == 2
    model = Path(new_generation(home)["model"])
    hidden = model.with_name("hidden")
    shutil.move(model, hidden)
    try:
        unchecked = home("reindex", "import", str(file))
        assert (unchecked.code, "--no-verify" in unchecked.err) == (5, True)
        assert new_generation(home)["vectors"] == 2
        (rest,) = home("reindex", "import", str(file), "--no-verify", "--json").json["files"]
        assert (rest["taken"], rest["present"]) == (rest["vectors"] - 2, 2)
        (nothing,) = home("reindex", "import", str(file), "--json").json["files"]
        assert nothing["taken"] == 0, "for which no model is needed"
    finally:
        shutil.move(hidden, model)


def test_one_that_is_killed_in_the_middle_is_simply_begun_again(home: CommandLine, file: Path, tmp_path: Path) -> None:
    assert home("reindex", "import", str(altered(file, tmp_path / "none.parquet", rows=0))).code == 0, "which chunks"
    one_by_one = altered(file, tmp_path / "groups.parquet", group=1)
    hashes = read_table(file)["text_hash"].to_pylist()
    url = home.environment["HYBRIDRAG_DATABASE_URL"]
    claim = "select from hybridrag.to_embed where text_hash = %s for update"
    waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with psycopg.connect(url) as worker, psycopg.connect(url, autocommit=True) as watching:
        worker.execute(claim, [hashes[3]])  # as a worker does that is embedding this text
        process = CommandLine(home.home, home.environment).start("reindex", "import", str(one_by_one), "-q")
        while watching.execute(waiting).fetchone() is None:
            assert process.poll() is None
        process.kill()
        process.wait()
    assert new_generation(home)["vectors"] == 3
    (rest,) = home("reindex", "import", str(one_by_one), "--json").json["files"]
    assert (rest["taken"], rest["present"]) == (len(hashes) - 3, 3)


def test_several_at_once_take_every_vector_once(home: CommandLine, file: Path) -> None:
    outside = CommandLine(home.home, home.environment)
    together = [outside.start("reindex", "import", str(file), "-q") for _ in range(2)]
    assert [process.wait() for process in together] == [0, 0]
    generation = new_generation(home)
    assert generation["vectors"] == ParquetFile(file).metadata.num_rows
    assert generation["waiting"] == {"documents": 0, "texts": 0}


def test_workers_of_this_machine_fill_it_together(home: CommandLine) -> None:
    done = home("reindex", "work", "--workers", "2", "--json")
    assert done.code == 0, done.err
    (generation,) = done.json["generations"]
    assert (generation["state"], generation["waiting"]) == ("ready", {"documents": 0, "texts": 0})


def test_what_a_worker_fails_with_is_what_the_command_fails_with(home: CommandLine) -> None:
    model = Path(new_generation(home)["model"])
    hidden = model.with_name("hidden")
    shutil.move(model, hidden)
    try:
        failed = home("reindex", "work", "--workers", "2")
    finally:
        shutil.move(hidden, model)
    assert (failed.code, str(model) in failed.err) == (5, True)
    assert "Traceback" not in failed.err
