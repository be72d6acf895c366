"""`db backup` and `db restore`: the same index afterwards, here or on another server, and nothing by accident."""

from __future__ import annotations

import io
import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from hybridrag.errors import DatabaseError, UsageError
from hybridrag.store import client_programs
from hybridrag.store.backup import dump
from hybridrag.store.connection import check_pgvector, connect, transaction
from hybridrag.store.migrations import shipped
from hybridrag.store.restoring import restore
from tests.conftest import CommandLine, Here, Prepared, Result, database
from tests.faults.conftest import copy_of, url_of
from tests.faults.digest import Digest, assert_same, digest
from tests.faults.stops import wait_until

SECRET = "xq7secretpw"


@pytest.fixture
def index(company: CommandLine, here: Here) -> CommandLine:
    return here(company)


def piped(cli: CommandLine, *arguments: str, stdin: bytes, env: dict[str, str] | None = None) -> Result:
    """The same in a process of its own: a pipe is one only there."""
    return CommandLine(cli.home, cli.environment)(*arguments, stdin=stdin, env=env)


@pytest.fixture
def elsewhere(server_url: str) -> Iterator[str]:
    """The address of a database without anything."""
    with copy_of(server_url, "template1") as name:
        yield database(server_url, name)


def test_back_and_forth(index: CommandLine, elsewhere: str, tmp_path: Path) -> None:
    file, before = tmp_path / "index.dump", digest(url_of(index))
    done = index("db", "backup", str(file), "--json")
    assert done.code == 0, done.err
    assert done.json["schema"] == "hybridrag.backup/1"
    assert (done.json["collections"], done.json["documents"]) == (1, len(before.documents))
    assert done.json["bytes"] == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path for path in tmp_path.iterdir() if path.name.endswith(".part")] == []

    assert index("sources", "remove", next(iter(before.sources))).code == 0
    (tmp_path / "later.txt").write_text("A later document.")
    later = ("ingest", str(tmp_path / "later.txt"), "-c", "later")
    assert index(*later).code == 0
    done = index("db", "restore", "--replace", str(file), "--json")
    assert done.code == 0, done.err
    assert done.json["schema"] == "hybridrag.restore/1"
    assert (done.json["collections"], done.json["documents"]) == (1, len(before.documents))
    assert_same(digest(url_of(index)), before)

    done = piped(index, "db", "restore", "-", stdin=file.read_bytes(), env={"HYBRIDRAG_DATABASE_URL": elsewhere})
    assert done.code == 0, done.err
    assert_same(digest(elsewhere), before)
    found = index("search", "travel", "--json", env={"HYBRIDRAG_DATABASE_URL": elsewhere})
    assert found.json["hits"] == index("search", "travel", "--json").json["hits"]
    # What comes after finds its numbers free, and everything that a fresh database has.
    assert index(*later, env={"HYBRIDRAG_DATABASE_URL": elsewhere}).code == 0
    assert index(*later).code == 0
    with closing(connect(elsewhere)) as one, closing(connect(url_of(index))) as other:
        assert one.execute(_EVERYTHING).fetchall() == other.execute(_EVERYTHING).fetchall()
        for connection in (one, other):
            assert not connection.execute("select 1 from pg_namespace where nspname like 'hybridrag_%'").fetchone()


_EVERYTHING = """
select c.relname, c.relkind::text as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'hybridrag' and c.relname !~ '^vectors_' and c.relkind <> 'S' union all
select t.tgname, 't' from pg_trigger t where not t.tgisinternal union all
select c.conname, 'c' from pg_constraint c join pg_namespace n on n.oid = c.connamespace
where n.nspname = 'hybridrag' and c.conname !~ '^vectors_' and c.contype <> 'n' order by 1, 2
"""


def test_nothing_is_overwritten_by_accident(index: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "index.dump"
    file.write_text("mine")
    refused = index("db", "backup", str(file))
    assert refused.code == 2 and "--force" in refused.err
    assert file.read_text() == "mine"
    assert index("db", "backup", "--force", str(file)).code == 0
    for place in (tmp_path, tmp_path / "nowhere" / "index.dump"):
        refused = index("db", "backup", "--force", str(place))
        assert refused.code == 2, refused.err
    before = digest(url_of(index))
    for name in (str(file), "-"):
        refused = index("db", "restore", name)
        assert refused.code == 2 and "--replace" in refused.err
    assert_same(digest(url_of(index)), before)
    with pytest.raises(UsageError, match="collections"):
        restore(url_of(index), file.open("rb"), replace=False)


def test_a_backup_cannot_be_where_results_are_shown(index: CommandLine) -> None:
    refused = index("db", "backup", "-", "--json")
    assert refused.code == 2, refused.err
    assert refused.out == ""


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.6, 0.9, 0.999])
def test_a_file_without_its_end_changes_nothing(
    backup_of_company: tuple[bytes, Digest], index: CommandLine, tmp_path: Path, share: float
) -> None:
    whole, before = backup_of_company
    file = tmp_path / "torn.dump"
    file.write_bytes(whole[: int(len(whole) * share)])
    refused = index("db", "restore", "--replace", str(file))
    assert refused.code == 4, refused.err
    assert "no whole backup" in refused.err
    assert_same(digest(url_of(index)), before)


def test_a_pipe_without_its_end_changes_nothing(backup_of_company: tuple[bytes, Digest], index: CommandLine) -> None:
    whole, before = backup_of_company
    refused = piped(index, "db", "restore", "--replace", "-", stdin=whole[: len(whole) // 2])
    assert refused.code == 4, refused.err
    assert "no whole backup" in refused.err
    assert_same(digest(url_of(index)), before)


def test_other_files_change_nothing(
    backup_of_company: tuple[bytes, Digest], index: CommandLine, elsewhere: str, tmp_path: Path
) -> None:
    whole, before = backup_of_company
    other = tmp_path / "other.dump"
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute("create table public.other as select 1 as one")
    target, passed = client_programs.reaching(elsewhere)
    program = client_programs.fitting("pg_dump").path
    subprocess.run([program, "--format=custom", "--file", other, target], env=passed, check=True)
    damaged = bytearray(whole)
    middle = len(whole) * 2 // 3
    damaged[middle : middle + 64] = bytes(64)
    for content in (b"", b"select 1;", os.urandom(4096), other.read_bytes(), bytes(damaged)):
        other.write_bytes(content)
        refused = index("db", "restore", "--replace", str(other))
        assert refused.code == 4, refused.err
        assert "Traceback" not in refused.err
    assert index("db", "restore", "--replace", str(tmp_path / "none.dump")).code == 2
    assert_same(digest(url_of(index)), before)


@pytest.fixture(scope="module")
def backup_of_company(company_once: Prepared, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Digest]:
    url = url_of(company_once.cli)
    return dumped(url, tmp_path_factory.mktemp("backup") / "index.dump"), digest(url)


def dumped(url: str, file: Path) -> bytes:
    dump(url, file)
    return file.read_bytes()


def test_an_older_backup_is_brought_to_the_present_schema(elsewhere: str, database_url: str, tmp_path: Path) -> None:
    older = shipped()[:5]
    with closing(connect(elsewhere)) as connection:
        check_pgvector(connection)
        with transaction(connection) as tx:
            tx.execute("create schema hybridrag")
            tx.execute(
                "create table schema_migration (number int primary key, name text not null, checksum text not null,"
                " applied_at timestamptz not null default now())"
            )
            for one in older:
                tx.execute(one.text)
                tx.execute(
                    "insert into schema_migration (number, name, checksum) values (%s, %s, %s)",
                    (one.number, one.name, one.checksum),
                )
    content = dumped(elsewhere, tmp_path / "older.dump")
    done = restore(database_url, in_file(tmp_path, content), replace=False)
    assert list(done.applied) == [f"{one.number:04}_{one.name}" for one in shipped()[5:]]

    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute("insert into hybridrag.schema_migration values (9999, 'future', '')")
    with pytest.raises(DatabaseError, match="newer hybridrag"):
        restore(database_url, in_file(tmp_path, dumped(elsewhere, tmp_path / "newer.dump")), replace=False)
    with closing(connect(database_url)) as connection:
        assert connection.execute("select max(number) as it from hybridrag.schema_migration").fetchone() == {
            "it": shipped()[-1].number
        }


def in_file(folder: Path, content: bytes) -> io.FileIO:
    (folder / "content.dump").write_bytes(content)
    return io.FileIO(folder / "content.dump")


def test_no_password_and_no_key_reaches_a_command_line(company: CommandLine, tmp_path: Path) -> None:
    """pg_dump is made to wait for a table, and looked at."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc")
    url = url_of(company).replace("@", f":{SECRET}@", 1)
    environment = {**company.environment, "HYBRIDRAG_DATABASE_URL": url, "TOGETHER_API_KEY": SECRET + "key"}
    with psycopg.connect(url_of(company)) as connection, psycopg.connect(url_of(company), autocommit=True) as looking:
        connection.execute("lock table hybridrag.segment in access exclusive mode")
        process = subprocess.Popen(
            company.command("db", "backup", str(tmp_path / "index.dump")), env=environment, stderr=subprocess.PIPE
        )
        wait_until(looking, _PG_DUMP_WAITS, process)
        children = [
            folder
            for folder in Path("/proc").iterdir()
            if folder.name.isdecimal() and (folder / "stat").exists() and parent_of(folder) == process.pid
        ]
        (program,) = [folder for folder in children if b"--format=custom" in (folder / "cmdline").read_bytes()]
        assert SECRET.encode() not in (program / "cmdline").read_bytes()
        assert f"PGPASSWORD={SECRET}\0".encode() in (program / "environ").read_bytes()
        assert b"API_KEY" not in (program / "environ").read_bytes()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert SECRET.encode() not in err


_PG_DUMP_WAITS = """
select exists (select from pg_stat_activity where datname = current_database() and application_name = 'pg_dump'
               and wait_event_type = 'Lock')
"""


def parent_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def test_an_older_program_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(DatabaseError, match=r"pg_dump.*99 or later.*18\.\d+ without TLS") as caught:
        client_programs.fitting("pg_dump", server="99.1")
    assert "PATH" in caught.value.hint
    with pytest.raises(DatabaseError, match="with TLS"):
        client_programs.fitting("pg_dump", server="14.0", tls=True)
