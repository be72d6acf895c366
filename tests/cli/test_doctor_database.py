"""What `doctor` says of an index that nobody watches; each remedy that is a command of SQL is run, and mends it."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from psycopg import sql

from hybridrag.config import load
from hybridrag.flows.doctor import Check, examine
from hybridrag.store import PostgresStore
from hybridrag.store.health import Health
from hybridrag.types import Source
from hybridrag.wiring import Wiring
from hybridrag.wiring.doctor_database import DatabaseProbes
from tests.servers.pooler import transaction_pooler

Checks = Callable[..., dict[str, Check]]


@pytest.fixture
def examined(tmp_path: Path, database_url: str) -> Iterator[Checks]:
    """What the checks find in the database of this test, or in the one that is named."""
    opened: list[Wiring] = []

    def look(url: str = database_url) -> dict[str, Check]:
        variables = {"HYBRIDRAG_HOME": str(tmp_path), "HYBRIDRAG_DATABASE_URL": url}
        wiring = Wiring(load(environ=variables, cwd=tmp_path), notify=lambda _: None, environ=variables)
        opened.append(wiring)
        return {check.name: check for check in examine(DatabaseProbes(wiring).all())}

    yield look
    for wiring in opened:
        wiring.store.close()


@pytest.fixture
def collection(database_url: str, tmp_path: Path) -> int:
    """A collection with a source and no documents, and its number."""
    store = PostgresStore(database_url)
    made = store.create_collection(
        "handbook", embedder="m", fingerprint="f", dimensions=384, text_search="plain", parameters={}
    )
    (tmp_path / "docs").mkdir()
    store.save_source(made, Source(name="docs", kind="folder", root=str(tmp_path / "docs")))
    store.close()
    return made.id


@contextmanager
def database(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set search_path = hybridrag, public")
        yield connection


def test_all_is_well(examined: Checks, collection: int) -> None:
    found = examined()
    assert list(found) == ["disk", "server", "connection", "role", "runs", "sources"]
    assert {check.state for check in found.values()} == {"ok"}, found
    assert "local, no TLS needed; clocks agree" in found["connection"].detail
    assert found["runs"].detail == "none yet"
    assert found["sources"].detail == "1, all on this machine"


def test_a_disk_that_is_nearly_full(examined: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100 << 20))
    found = examined()["disk"]
    assert (found.state, found.remedy[:13]) == ("failure", "free space th")
    assert found.detail.startswith("100 MB free at ")


def test_memory_that_is_too_small_for_the_index(examined: Checks, database_url: str, collection: int) -> None:
    with database(database_url) as connection:
        connection.execute("update pg_class set reltuples = 49999 where relname ~ '^vectors_\\d+_scanned$'")
        assert examined()["server"].state == "ok"  # so few are scanned, and have no index
        connection.execute("update pg_class set reltuples = 20000000 where relname ~ '^vectors_\\d+_scanned$'")
        found = examined()["server"]
        assert found.state == "warning"
        assert "index of handbook (20,000,000 vectors) in memory needs 22.3 GB" in found.detail
        first, second = found.remedy.split("; ")
        assert first.startswith("ALTER SYSTEM SET maintenance_work_mem = '")
        assert second == "SELECT pg_reload_conf()"


def test_a_pooler(examined: Checks, database_url: str) -> None:
    with transaction_pooler(database_url) as pooler:
        found = examined(pooler.url(database_url))
    assert "by way of a pooler" in found["connection"].detail
    assert {check.state for check in found.values()} == {"ok"}, found


@pytest.mark.parametrize(("hours", "way"), [(24, "24 h behind"), (-24, "24 h ahead of")])
def test_clocks_that_differ(
    examined: Checks, database_url: str, monkeypatch: pytest.MonkeyPatch, hours: int, way: str
) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)
    found = examined()["connection"]
    assert found.state == "warning"
    assert f"the database's clock is {way} this machine's" in found.detail
    monkeypatch.setattr(time, "time", lambda: real() + 1)
    assert Health(database_url).server().ahead == pytest.approx(-1, abs=0.9)


@pytest.fixture
def role(database_url: str) -> Iterator[str]:
    name = f"test_role_{uuid.uuid4().hex[:12]}"
    with database(database_url) as connection:
        connection.execute(sql.SQL("create role {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("grant usage on schema hybridrag to {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("grant select on schema_migration to {}").format(sql.Identifier(name)))
        yield name
        connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def test_each_remedy_gives_a_role_more(examined: Checks, database_url: str, role: str) -> None:
    url = f"{database_url}{'&' if '?' in database_url else '?'}options=-crole%3D{role}"
    told = []
    with database(database_url) as connection:
        while (found := examined(url)["role"]).state != "ok":
            told.append((found.state, found.detail.partition(f"{role} ")[2]))
            assert len(told) < 5, told
            connection.execute(found.remedy.encode())
    assert [state for state, _ in told] == ["failure", "warning", "warning"]
    assert [detail.split(" ")[2] for _, detail in told] == ["read", "write", "no"]


def test_a_server_that_only_reads(examined: Checks, database_url: str) -> None:
    mark = "&" if "?" in database_url else "?"
    found = examined(f"{database_url}{mark}options=-cdefault_transaction_read_only%3Don")["role"]
    assert (found.state, found.remedy) == ("warning", "ingest at the primary server")
    assert found.detail.startswith("the server is read-only")


INSERT = """
insert into run (id, collection_id, verb, host, os_user, pid, started_at, ended_at, outcome, message)
values (gen_random_uuid(), %s, 'sync', 'a', 'me', 42, now() - %s::interval, now() - %s::interval, %s, %s)
"""


def test_runs(examined: Checks, database_url: str, collection: int) -> None:
    with database(database_url) as connection:

        def last(started: str, ended: str | None, outcome: str) -> Check:
            connection.execute(INSERT, (collection, started, ended, outcome, None))
            return examined()["runs"]

        assert last("40 days", "40 days", "done").detail == "handbook: sync 40 days ago, done"
        old = examined()["runs"]
        assert (old.state, old.remedy.split(",")[0]) == ("warning", "hybridrag sync -c handbook")
        failed = last("3 hours", "3 hours", "failed")
        assert (failed.state, failed.detail) == (
            "warning",
            "handbook: sync 3 h ago, failed, none ended well since 40 days",
        )
        killed = last("2 hours", None, "running")
        assert (killed.state, "broken off" in killed.detail) == ("warning", True)
        # The clock was set back since: it is new, not of the future.
        well = last("-1 day", "-1 day", "done")
        assert (well.state, well.detail) == ("ok", "handbook: sync 0 s ago, done")
        last("3 days", None, "running")
        store = PostgresStore(database_url)
        held = store.find_collection("handbook")
        assert held is not None
        with store.ingest_run(held):
            stuck = examined()["runs"]
        store.close()
        assert (stuck.state, stuck.remedy) == ("warning", "look at process 42 on a; kill it if it is")
        assert "3 days ago, at work: is it stuck?" in stuck.detail


def test_a_source_whose_folder_is_gone(examined: Checks, tmp_path: Path, collection: int) -> None:
    (tmp_path / "docs").rmdir()
    found = examined()["sources"]
    assert found.state == "warning"
    assert found.detail == f"{tmp_path / 'docs'} of handbook is not on this machine"
    assert found.remedy.endswith("hybridrag sources remove docs -c handbook")
