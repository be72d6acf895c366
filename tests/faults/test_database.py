"""Databases that are not there, lack something, or grant too little: each is told, and no password ever shows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import CommandLine, Here, Result, command_line
from tests.faults.conftest import url_of

PASSWORD = "xq7secretpw"


def assert_refused(done: Result, code: int, *words: str) -> None:
    assert done.code == code, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err


def on(url: str) -> dict[str, str]:
    return {"HYBRIDRAG_DATABASE_URL": url}


def as_role(url: str, role: str) -> dict[str, str]:
    return on(f"{url}{'&' if '?' in url else '?'}options=-crole%3D{role}")


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# Travel\n\nThe meal allowance for travel is 62 euros.\n")
    return folder


@pytest.fixture
def homeless(tmp_path: Path, tiny_model: Path, here: Here) -> CommandLine:
    """A command line without a database."""
    return here(command_line(tmp_path / "homeless", "postgresql://127.0.0.1:1/none", tiny_model))


@pytest.fixture
def bare(bare_database_url: str, tmp_path: Path, tiny_model: Path, here: Here) -> CommandLine:
    """A command line on a database without our schema, and without pgvector as yet."""
    return here(command_line(tmp_path / "home-bare", bare_database_url, tiny_model))


@pytest.fixture
def role(database_url: str) -> Iterator[str]:
    """A role without any right of its own."""
    name = f"test_role_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"create role {name}")
        yield name
        connection.execute(f"drop owned by {name}")
        connection.execute(f"drop role {name}")


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "word"),
    [
        (f"postgresql://me:{PASSWORD}@127.0.0.1:1/x", "127.0.0.1:1/x does not answer"),
        ("postgresql:///x?host=/nonexistent", "does not answer"),
        # A label of 64 letters is no host name: the resolver says so without asking the network, which tests never do.
        (f"postgresql://{'h' * 64}.invalid/x", "is unknown"),
        (f"postgresql://me:{PASSWORD}%zz@127.0.0.1:1/x", "percent"),
        (f"postgresql://me:{PASSWORD}/x@127.0.0.1:1/x", "unreadable address"),
        (f"postgresql://me:12/{PASSWORD}@127.0.0.1:1/x", "unreadable address"),
        (f"host=127.0.0.1 port=1 password=my {PASSWORD}", "127.0.0.1:1"),
        ("postgresql://127.0.0.1:1/x?bogus=1", "bogus"),
    ],
)
def test_a_wrong_address(homeless: CommandLine, url: str, word: str) -> None:
    done = homeless("search", "travel", "--debug", env=on(url))
    assert done.code == 4, done.err
    assert word in done.err
    assert PASSWORD not in done.err


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{PASSWORD}@host/x",
        f"postgresql://:{PASSWORD}@host/x",
        f"postgresql://me:a/b?{PASSWORD}@host/x",
        f"postgresql://me:a@{PASSWORD}@host/x",
        f"postgresql://host/x?user=me&password={PASSWORD}",
        f"postgresql://host/x?%70assword={PASSWORD}",
        f"host=host password = '{PASSWORD}'",
        f"host=host SSLPASSWORD={PASSWORD}",
    ],
)
def test_a_password_on_the_command_line(homeless: CommandLine, url: str) -> None:
    done = homeless("search", "travel", "--database-url", url, "--json", "--debug")
    assert done.code == 2, done.err
    assert "PGPASSFILE" in done.err
    assert PASSWORD not in done.err


@pytest.mark.parametrize(
    "url", ["postgresql://me@host:5432/x?application_name=a@b", "postgresql://host:5432/x?user=me%40corp", "host=h"]
)
def test_what_only_looks_like_a_password(homeless: CommandLine, url: str) -> None:
    done = homeless("config", "show", "--json", "--database-url", url)
    assert done.code == 0, done.err
    assert done.json["settings"]["database_url"]["value"] == url


@pytest.mark.parametrize("url", ["mysql://host/x", "nonsense", "postgresql://[::1"])
def test_what_is_no_address(homeless: CommandLine, url: str) -> None:
    assert_refused(homeless("search", "travel", env=on(url)), 3, "HYBRIDRAG_DATABASE_URL", "postgresql://")
    assert_refused(homeless("search", "travel", "--database-url", url), 2, "--database-url")


def test_a_database_that_does_not_exist(cli: CommandLine) -> None:
    name = url_of(cli).partition("?")[0].rpartition("/")[2]
    missing = url_of(cli).replace(name, "no_such_database")
    assert_refused(cli("search", "travel", env=on(missing)), 4, "no such database", "createdb")


# --- what it lacks ---------------------------------------------------------------------------------------------------


def test_without_pgvector(bare: CommandLine, notes: Path) -> None:
    with psycopg.connect(url_of(bare), autocommit=True) as connection:
        if connection.info.server_version < 180000:
            pytest.skip("only PostgreSQL 18 can be told to look for extensions where there are none")
        connection.execute(
            "do $$ begin execute format('alter database %I set extension_control_path = ''/nonexistent''',"
            " current_database()); end $$"
        )
    assert_refused(bare("ingest", str(notes)), 4, "no pgvector", "0.8.4")
    assert_refused(bare("search", "travel"), 4, "no pgvector")
    checks = {check["name"]: check for check in bare("doctor", "--json").json["checks"]}
    assert checks["database"]["state"] == "failure"
    assert "no pgvector" in checks["database"]["detail"]
    assert checks["model"]["state"] == "ok"


def test_with_a_pgvector_that_corrupts_indexes(cli: CommandLine, notes: Path) -> None:
    assert cli("ingest", str(notes)).code == 0
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        connection.execute("update pg_extension set extversion = '0.8.3' where extname = 'vector'")
    assert_refused(cli("ingest", str(notes)), 4, "pgvector 0.8.3", "0.8.4")
    doctor = cli("doctor", "--json")
    assert doctor.code == 11
    assert any("0.8.3" in check["detail"] for check in doctor.json["checks"] if check["state"] == "failure")


def test_made_by_a_newer_version(cli: CommandLine) -> None:
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        connection.execute("insert into hybridrag.schema_migration values (9999, 'future', '')")
    assert_refused(cli("search", "travel"), 4, "newer hybridrag", "9999")


def test_with_a_migration_that_was_edited(cli: CommandLine) -> None:
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        connection.execute("update hybridrag.schema_migration set checksum = 'other'")
    assert_refused(cli("search", "travel"), 4, "migration 0001")


# --- what it grants --------------------------------------------------------------------------------------------------


def test_a_role_without_rights(cli: CommandLine, role: str, notes: Path) -> None:
    environment = as_role(url_of(cli), role)
    assert_refused(cli("search", "travel", env=environment), 4, "privilege")
    assert_refused(cli("ingest", str(notes), env=environment), 4, "privilege")
    assert cli("doctor", env=environment).code == 11


def test_a_role_that_may_only_read(cli: CommandLine, role: str, notes: Path) -> None:
    assert cli("ingest", str(notes)).code == 0
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        connection.execute(
            f"grant usage on schema hybridrag to {role}; grant select on all tables in schema hybridrag to {role}"
        )
    environment = as_role(url_of(cli), role)
    found = cli("search", "meal allowance", "--json", env=environment)
    assert found.code == 0, found.err
    assert found.json["hits"][0]["document"]["uri"] == "notes/a.md"
    assert cli("ask", "What is the meal allowance?", env=environment).code == 0
    (notes / "a.md").unlink()
    (notes / "b.md").write_text("New.")
    assert_refused(cli("ingest", str(notes), env=environment), 4, "privilege")
    assert_refused(cli("sources", "remove", "notes", env=environment), 4, "privilege")
    assert_refused(cli("ingest", str(notes), "-c", "new", env=environment), 4, "privilege")
    assert [row["uri"] for row in cli("documents", "list", "--json").json["documents"]] == ["notes/a.md"]


def test_a_server_that_is_read_only(cli: CommandLine, notes: Path) -> None:
    assert cli("ingest", str(notes)).code == 0
    url = url_of(cli)
    standby = on(f"{url}{'&' if '?' in url else '?'}options=-cdefault_transaction_read_only%3Don")
    assert cli("search", "meal allowance", env=standby).code == 0
    assert_refused(cli("ingest", str(notes), env=standby), 4, "read-only")


def test_a_role_that_may_not_make_a_schema(bare: CommandLine, role: str, notes: Path) -> None:
    environment = as_role(url_of(bare), role)
    assert_refused(bare("ingest", str(notes), env=environment), 4, "CREATE EXTENSION vector")
    with psycopg.connect(url_of(bare), autocommit=True) as connection:
        connection.execute("create extension vector")
    assert_refused(bare("ingest", str(notes), env=environment), 4, "privilege")


def test_an_error_tells_no_row_even_under_debug(cli: CommandLine, notes: Path) -> None:
    """PostgreSQL puts the values of a row that it refuses into the details of its error."""
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        connection.execute("alter table hybridrag.document add check (length(text) < 10)")
    done = cli("ingest", str(notes), "--json", "--debug")
    assert done.code == 4, done.err
    assert "allowance" not in done.err
    assert json.loads(next(line for line in done.err.splitlines() if line.startswith("{")))["code"] == 4
