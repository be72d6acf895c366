"""A home that PostgreSQL 16 made, by that version's own programs, is brought to the present one; nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from hybridrag.errors import DatabaseError
from hybridrag.store import embedded_binaries, embedded_cluster, embedded_process, embedded_socket
from hybridrag.store.embedded import EmbeddedServer
from tests.conftest import CommandLine, Here, command_line
from tests.faults.digest import Digest, assert_same, digest
from tests.faults.disks import small_disk

OLD = 16


@pytest.fixture(scope="module")
def old_home(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[CommandLine, Digest]:
    """A home with a cluster of PostgreSQL 16 and documents in it, stopped; and what the index holds."""
    base = tmp_path_factory.mktemp("old")
    cli = embedded(command_line(base / "home", "", tiny_model))
    data = data_of(cli)
    programs = embedded_binaries.of_major(data, OLD)
    assert programs is not None
    cluster = data / "cluster"
    cluster.parent.mkdir(parents=True)
    embedded_process.run(
        *(programs / "initdb", "--pgdata", cluster, "--username", "hybridrag"),
        *("--encoding=UTF8", "--locale=C", "--auth-local=trust", "--auth-host=reject"),
    )
    notes = cli.home / "notes"
    notes.mkdir()
    for number in range(40):
        (notes / f"{number}.md").write_text(f"# Note {number}\n\nThe allowance of “city {number}” is {number} euros.\n")
    with served(data, programs) as url:
        with psycopg.connect(url.replace("/hybridrag?", "/postgres?"), autocommit=True) as connection:
            connection.execute("create database hybridrag template template0")
        done = cli("ingest", str(notes), env={"HYBRIDRAG_DATABASE_URL": url})
        assert done.code == 0, done.err
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create table public.of_the_user as select 1 as one")
        return cli, digest(url)


@contextmanager
def served(data: Path, programs: Path) -> Iterator[str]:
    """The address of a server on the old cluster, as an earlier release would run it."""
    run = data.parents[1] / "run"
    run.mkdir(mode=0o700, exist_ok=True)
    lock = embedded_process.try_lock(data / "server.lock")
    assert lock is not None
    embedded_process.launch(
        *(programs / "postgres", "-D", data / "cluster"),
        *embedded_cluster.server_options(run),
        output=data / "startup.log",
        lock=lock,
    )
    os.close(lock)
    try:
        while embedded_socket.ask(run, data / "cluster").state is not embedded_socket.State.UNPREPARED:
            assert embedded_process.is_locked(data / "server.lock"), (data / "startup.log").read_text()
        yield embedded_socket.url_of(run)
    finally:
        EmbeddedServer(data, run).stop()


def embedded(cli: CommandLine) -> CommandLine:
    environment = {name: value for name, value in cli.environment.items() if name != "HYBRIDRAG_DATABASE_URL"}
    return replace(cli, environment=environment)


def data_of(cli: CommandLine) -> Path:
    return Path(cli.environment["HYBRIDRAG_HOME"]) / "data" / "postgresql"


@pytest.fixture
def home(old_home: tuple[CommandLine, Digest], tmp_path: Path, tiny_model: Path, here: Here) -> Iterator[CommandLine]:
    """A copy of the old home."""
    cli = here(embedded(command_line(tmp_path / "home", "", tiny_model)))
    shutil.copytree(data_of(old_home[0]), data_of(cli))
    yield cli
    assert cli("db", "stop").code == 0


def version(cluster: Path) -> int:
    return int((cluster / "PG_VERSION").read_text())


def url_of(cli: CommandLine) -> str:
    return cli("db", "url").out.strip()


def test_an_old_cluster_is_brought_to_the_present_version(
    home: CommandLine, old_home: tuple[CommandLine, Digest]
) -> None:
    data = data_of(home)
    refused = home("search", "allowance")
    assert refused.code == 4
    assert "PostgreSQL 16" in refused.err and "hybridrag db upgrade" in refused.err

    done = home("db", "upgrade", "--json")
    assert done.code == 0, done.err
    told = done.json
    assert (told["schema"], told["upgraded"], told["from"], told["to"]) == ("hybridrag.upgrade/1", True, 16, 18)
    assert told["kept"] == str(data / "cluster.16") and version(data / "cluster.16") == 16
    assert told["left"] == ["table public.of_the_user"] and "of_the_user" in done.err
    assert version(data / "cluster") == 18
    assert_same(digest(url_of(home)), old_home[1])
    assert home("search", "allowance", "--json").json["hits"]

    assert home("db", "upgrade", "--json").json == {"schema": "hybridrag.upgrade/1", "upgraded": False}
    removed = home("db", "upgrade", "--remove-old", "--json")
    assert removed.json["removed"] == [str(data / "cluster.16")]
    assert sorted(path.name for path in data.glob("cluster*")) == ["cluster"]


def test_a_killed_upgrade_leaves_the_old_cluster_and_the_next_one_ends_it(
    home: CommandLine, old_home: tuple[CommandLine, Digest]
) -> None:
    data = data_of(home)
    process = home.start("db", "upgrade", stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert any(line.startswith(b"carrying over") for line in process.stderr)
    process.kill()
    process.communicate()
    assert version(data / "cluster") == 16
    assert embedded_process.is_locked(data / "server.lock") and embedded_process.is_locked(data / "upgrade.lock")
    assert home("db", "stop").code == 0
    assert not embedded_process.is_locked(data / "server.lock"), "the old server was left behind"
    assert not embedded_process.is_locked(data / "upgrade.lock"), "the new server was left behind"

    done = home("db", "upgrade")
    assert done.code == 0, done.err
    assert_same(digest(url_of(home)), old_home[1])
    assert sorted(path.name for path in data.glob("cluster*")) == ["cluster", "cluster.16"]


def test_an_exchange_that_was_killed_amid_is_ended_by_the_next_start(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "data", tmp_path / "run")
    try:
        server.ensure_running(print)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("create table kept as select 42 as answer")
        server.stop()
        (server.data / "cluster").rename(server.data / "cluster.next")
        server.ensure_running(print)
        with psycopg.connect(server.url) as connection:
            assert connection.execute("select answer from kept").fetchone() == (42,)
    finally:
        server.stop()


def test_what_cannot_be_upgraded_is_told(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "data", tmp_path / "run")
    assert server.upgrade(print) is None
    cluster = tmp_path / "data" / "cluster"
    cluster.mkdir(parents=True)
    for other in ("17", "99"):
        (cluster / "PG_VERSION").write_text(f"{other}\n")
        with pytest.raises(DatabaseError, match=f"made by PostgreSQL {other}") as caught:
            server.upgrade(print)
        assert "release of hybridrag" in caught.value.hint
    (tmp_path / "data" / "cluster.16").mkdir()
    with pytest.raises(DatabaseError, match="made by PostgreSQL 99"):
        server.remove_old()
    assert (tmp_path / "data" / "cluster.16").exists()


def test_without_room_nothing_is_begun(home: CommandLine, tmp_path: Path) -> None:
    data = data_of(home)
    with small_disk(tmp_path / "disk", megabytes=200) as disk:
        shutil.copytree(data, disk / "postgresql")
        shutil.rmtree(data)
        data.symlink_to(disk / "postgresql")
        refused = home("db", "upgrade")
        assert refused.code == 4, refused.err
        assert "MB" in refused.err and "nothing was changed" in refused.err
        assert version(data / "cluster") == 16
        assert [path.name for path in data.glob("cluster*")] == ["cluster"]
