"""What the embedded server must never do: open up, listen elsewhere, carry secrets, touch what is not ours."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hybridrag.errors import DatabaseError
from hybridrag.store.embedded import EmbeddedServer

REPOSITORY = Path(__file__).resolve().parents[2]
NOBODY = 65534
SECRET = "sk-0123456789-never-to-be-seen"
START = """
import sys
from pathlib import Path
from hybridrag.store.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), Path(sys.argv[2]))
server.ensure_running(print)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it acts as several users")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server started by a command with another locale, a secret, and misleading PG* variables."""
    base = tmp_path_factory.mktemp("running")
    server = EmbeddedServer(base / "deep" / "it's, a dätä folder", base / "deep" / "it's run")
    misleading = {"PGHOSTADDR": "127.0.0.9", "PGPORT": "1", "PGHOST": "localhost", "PGDATABASE": "no", "PGUSER": "no"}
    environment = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "1", "TOGETHER_API_KEY": SECRET, "PGPASSWORD": SECRET}
    try:
        started = start(server, **misleading, **environment)
        assert started.returncode == 0, started.stderr
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path / "data", tmp_path / "run")
    yield server
    if server.data.exists() and server.data.stat().st_uid == os.geteuid() and private_or_missing(server.run):
        server.stop()


def private_or_missing(folder: Path) -> bool:
    return not os.path.lexists(folder) or (folder.is_dir() and not folder.is_symlink() and mode(folder) == 0o700)


def start(server: EmbeddedServer, *prefix: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, sys.executable, "-c", START, str(server.data), str(server.run)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def value(server: EmbeddedServer, query: str) -> object:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def processes(server: EmbeddedServer) -> list[Path]:
    """The /proc folders of the server and its children."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc")
    first = server.status().pid
    assert first is not None
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return [Path("/proc") / pid for pid in (str(first), *children)]


# --- text ------------------------------------------------------------------------------------------------------------


def test_text_search_folds_every_alphabet_whatever_the_callers_locale(running: EmbeddedServer) -> None:
    tokens = "select string_agg(word, ' ' order by word) from unnest(tsvector_to_array({})) as word"
    vector = "to_tsvector('simple', 'ÄPFEL МОСКВА ΣΟΦΙΑ')"
    assert value(running, tokens.format(vector)) == "äpfel σοφια москва"
    # Quotation marks and dashes beyond ASCII are no letters.
    vector = "to_tsvector('simple', '„Äpfel“ — «МОСКВА»… naïve')"
    assert value(running, tokens.format(vector)) == "naïve äpfel москва"
    assert value(running, "select to_tsvector('german', '„Häuser“') @@ to_tsquery('german', 'HAUS')") is True


def test_the_database_is_utf8_with_a_locale_of_its_own(running: EmbeddedServer) -> None:
    query = (
        "select concat_ws(' ', pg_encoding_to_char(encoding), datlocprovider, datlocale)"
        " from pg_database where datname = current_database()"
    )
    assert value(running, query) == "UTF8 b C.UTF-8"
    assert (
        value(running, "select upper('straße é я')") == "STRASSE É Я" or value(running, "select upper('é я')") == "É Я"
    )


# --- nothing gets in or out ------------------------------------------------------------------------------------------


def test_no_tcp_and_a_socket_for_its_owner_alone(running: EmbeddedServer) -> None:
    assert value(running, "show listen_addresses") == ""
    socket = running.status().socket
    assert mode(socket) == 0o700
    assert mode(socket / ".s.PGSQL.5432") & 0o077 == 0
    assert socket.stat().st_uid == os.geteuid()


def test_the_url_is_proof_against_pg_variables(running: EmbeddedServer) -> None:
    query = "import psycopg, sys; print(psycopg.connect(sys.argv[1]).execute('select 6 * 7').fetchone()[0])"
    answer = subprocess.run(
        [sys.executable, "-c", query, running.url],
        env={**os.environ, "PGHOSTADDR": "127.0.0.9", "PGPORT": "1", "PGDATABASE": "no", "PGUSER": "no"},
        capture_output=True,
        text=True,
    )
    assert answer.stdout.strip() == "42", answer.stderr


def test_the_server_carries_nothing_of_the_callers_environment(running: EmbeddedServer) -> None:
    found = processes(running)
    assert len(found) > 3
    for process in found:
        try:
            environment = (process / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError):  # a worker that has ended since
            continue
        assert SECRET.encode() not in environment
        assert b"PGHOSTADDR" not in environment and b"PGPASSWORD" not in environment


def test_the_server_holds_no_terminal_or_pipe_of_the_caller(running: EmbeddedServer) -> None:
    postmaster = processes(running)[0]
    assert (postmaster / "fd" / "0").readlink() == Path("/dev/null")
    for number in ("1", "2"):
        target = str((postmaster / "fd" / number).readlink())
        assert target.startswith((str(running.data / "log"), "pipe:"))  # the pipe of its own log collector
    assert os.getsid(int(postmaster.name)) != os.getsid(0)


def test_the_log_rotates_and_quotes_no_data(server: EmbeddedServer) -> None:
    server.ensure_running(print)
    assert value(server, "show log_rotation_age") == "1d"
    assert value(server, "show log_rotation_size") == "10MB"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("create table document (body text primary key)")
        connection.execute("insert into document values ('Ludwig is ill')")
        with pytest.raises(psycopg.errors.UniqueViolation, match="Ludwig is ill"):  # so the log could quote it
            connection.execute("insert into document values ('Ludwig is ill')")
    server.stop()  # and with it the process that writes the log
    logs = list((server.data / "log").iterdir())
    logged = "".join(log.read_text() for log in logs)
    assert "duplicate key" in logged and "Ludwig" not in logged
    assert {mode(log) for log in logs} == {0o600}


def test_durability_is_on_and_memory_is_sized(running: EmbeddedServer) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert value(running, f"show {setting}") == "on"
    megabytes = "select pg_size_bytes(current_setting('{}')) / 1048576"
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1048576
    for setting, most in (("shared_buffers", 2048), ("maintenance_work_mem", 1024)):
        sized = value(running, megabytes.format(setting))
        assert isinstance(sized, int) and 32 <= sized <= most and sized <= max(64, memory // 8)


# --- folders ---------------------------------------------------------------------------------------------------------


def test_no_folder_above_changes(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open" / "home").mkdir(mode=0o700)
    server = EmbeddedServer(tmp_path / "open" / "home" / "data", tmp_path / "open" / "home" / "run")
    above = {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in server.data.parents}
    try:
        server.ensure_running(print)
    finally:
        server.stop()
    assert {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in above} == above
    assert mode(server.data) == mode(server.data / "cluster") == mode(server.run) == 0o700
    ours = {path.lstat().st_uid for path in server.data.rglob("*")}
    assert ours == {os.geteuid()}


def test_a_path_too_long_for_a_socket_moves_it(tmp_path: Path) -> None:
    run = tmp_path / ("r" * 90)
    server = EmbeddedServer(tmp_path / "data", run)
    try:
        server.ensure_running(print)
        socket = server.status().socket
        assert not run.exists()
        assert mode(socket) == 0o700 and socket.stat().st_uid == os.geteuid()
        assert len(os.fsencode(socket / ".s.PGSQL.5432")) <= 107
        assert str(os.geteuid()) in socket.name
        assert value(server, "select 1") == 1
        assert EmbeddedServer(tmp_path / "other", run).status().socket != socket
    finally:
        server.stop()
        shutil.rmtree(socket)


def test_a_path_that_libpq_would_split_moves_the_socket(tmp_path: Path) -> None:
    socket = EmbeddedServer(tmp_path / "data", tmp_path / "one, two").status().socket
    assert "," not in str(socket) and socket.is_absolute()


@pytest.mark.parametrize("kind", ["group", "others", "link", "file"])
def test_a_socket_folder_that_others_could_reach_is_refused(server: EmbeddedServer, kind: str) -> None:
    if kind == "link":
        server.run.with_name("elsewhere").mkdir(mode=0o700)
        server.run.symlink_to("elsewhere")
    elif kind == "file":
        server.run.touch(mode=0o700)
    else:
        server.run.mkdir()
        server.run.chmod(0o750 if kind == "group" else 0o701)
    before = mode(server.run)
    with pytest.raises(DatabaseError, match=str(server.run)) as caught:
        server.ensure_running(print)
    assert caught.value.hint
    assert mode(server.run) == before
    assert not server.data.exists()


def test_a_path_that_a_shell_would_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="holds"):
        EmbeddedServer(tmp_path / "$(touch x)", tmp_path / "run").ensure_running(print)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match="file"):
        EmbeddedServer(tmp_path / "file" / "data", tmp_path / "run").ensure_running(print)


# --- users -----------------------------------------------------------------------------------------------------------


def test_the_data_of_another_user_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    if os.geteuid() == 0:
        data.mkdir()
        os.chown(data, NOBODY, NOBODY)
    else:
        data = Path("/etc")
    server = EmbeddedServer(data, tmp_path / "run")
    for attempt in (lambda: server.ensure_running(print), server.stop, server.status):
        with pytest.raises(DatabaseError, match="belongs to the user with id"):
            attempt()


@as_root
def test_an_ordinary_user(tmp_path: Path) -> None:
    home = Path(tempfile.mkdtemp(prefix="hr-", dir="/tmp"))
    os.chown(home, NOBODY, NOBODY)
    server = EmbeddedServer(home / "data", home / "run")
    try:
        # The capability lets that user read an interpreter below /root; it lends no right to write.
        capability = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
        user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        for prefix in (user, (*user, *capability)):
            if subprocess.run([*prefix, sys.executable, "-c", "import psycopg"], capture_output=True).returncode == 0:
                break
        else:
            pytest.skip("another user cannot run this interpreter, and setpriv cannot lend the right to read it")
        lived = start(server, *prefix, XDG_RUNTIME_DIR="/run/user/0")
        assert lived.returncode == 0, lived.stderr
        pid = int((server.data / "cluster" / "postmaster.pid").read_text().split()[0])
        assert Path(f"/proc/{pid}").stat().st_uid == NOBODY
        assert {path.lstat().st_uid for path in server.data.rglob("*")} == {NOBODY}
        script = "import sys; from pathlib import Path; from hybridrag.store.embedded import EmbeddedServer as E;"
        script += "print(E(Path(sys.argv[1]), Path(sys.argv[2])).stop())"
        stopped = subprocess.run(
            [*prefix, sys.executable, "-c", script, str(server.data), str(server.run)],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
        )
        assert stopped.stdout.strip() == "True", stopped.stderr
    finally:
        shutil.rmtree(home)


@as_root
def test_root_without_namespaces_is_told_of_another_way(server: EmbeddedServer, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    refused = start(server, PATH=str(tmp_path / "bin"))
    assert "DatabaseError: PostgreSQL does not run as root" in refused.stderr
    assert not server.data.exists()

    unshare = tmp_path / "bin" / "unshare"
    unshare.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    unshare.chmod(0o755)
    script = START.replace("server.ensure_running(print)", CAUGHT)
    told = subprocess.run(
        [sys.executable, "-c", script, str(server.data), str(server.run)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
    )
    assert "Operation not permitted" in told.stdout and "--database-url" in told.stdout, told.stderr
    assert not (server.data / "cluster").exists()


CAUGHT = """
from hybridrag.errors import DatabaseError
try:
    server.ensure_running(print)
except DatabaseError as exc:
    print(exc.message, exc.hint)
"""
