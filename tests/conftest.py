"""What every test may use: a real PostgreSQL, a small real model, and the command line in a process of its own.

The database is `HYBRIDRAG_TEST_DATABASE_URL` if set, else a container where a Docker engine answers, else the embedded
server; it is never skipped. Each test that asks for `database_url` gets a database of its own, made from a template.
"""

from __future__ import annotations

import gc
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import HealthCheck, settings

from tests.forking import Forking, build_commands_once
from tests.models.tiny import write_bert_model, write_static_model

# Idle threads of torch wait asleep: two workers with a thread a core each would spin against each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# A shell that runs this in the background has it ignore interrupts, and so would every command that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's affair: a busy one must not fail a property that holds.
settings.register_profile("hybridrag", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hybridrag")

build_commands_once()

_SERVER = "HYBRIDRAG_TEST_SERVER_URL"
_HOME = "HYBRIDRAG_TEST_SERVER_HOME"
_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30
"""Bytes that must be free in memory for the server's files to be there."""
_LONG = (
    "tests/slim/",
    "tests/faults/test_hostile.py",
    "tests/faults/test_no_network.py",
    "tests/models/test_own_code.py",
    "tests/flows/test_bench.py",
    "tests/test_imports.py",
)
"""Where single tests take 15 seconds and more."""
_SETTINGS = """\
# To make and to drop a database, the server looks through all its buffers: with its usual 2 GB half of the time.
shared_buffers = 128MB
# These guard what is stored against a machine that fails, and these databases die with it.
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
"""


def pytest_configure(config: pytest.Config) -> None:
    """In the first process only: the workers inherit the environment, and with it the server's address."""
    if hasattr(config, "workerinput") or os.environ.get(_SERVER):
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `timeout` ends the tests, and the server with them
    config.stash[_STOP] = _start_server()


def pytest_unconfigure(config: pytest.Config) -> None:
    _FORKING.close()
    config.stash.get(_STOP, lambda: None)()


_STOP: pytest.StashKey[Callable[[], None]] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Seeks no cycles among the tests: while they are collected that takes half of the time, and later some of each."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with what takes longest, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


def _start_server() -> Callable[[], None]:
    given = os.environ.get("HYBRIDRAG_TEST_DATABASE_URL")
    if given:
        os.environ[_SERVER] = given
        return lambda: None
    return _start_container() or _start_embedded()


def _start_container() -> Callable[[], None] | None:
    if shutil.which("docker") is None:
        return None
    answers = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    if answers.returncode != 0:
        return None
    from testcontainers.postgres import PostgresContainer

    container = PostgresContainer("pgvector/pgvector:0.8.6-pg18-trixie", driver=None).start()
    os.environ[_SERVER] = container.get_connection_url()
    return container.stop


def _start_embedded() -> Callable[[], None]:
    from hybridrag.store.embedded import EmbeddedServer

    home = Path(tempfile.mkdtemp(prefix="hybridrag-tests-", dir=in_memory()))
    server = EmbeddedServer(data=home / "data", run=home / "run")
    server.data.mkdir(mode=0o700)
    (server.data / "custom.conf").write_text(_SETTINGS)
    server.ensure_running(lambda _: None)
    os.environ[_SERVER] = server.url
    os.environ[_HOME] = str(home)

    def stop() -> None:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)

    return stop


def in_memory() -> Path | None:
    """A folder in memory with room for the databases of a server, whose programs may run from there; None without one.

    A new database for a test, the commonest thing that tests ask for, costs a tenth there of what it costs on a disk.
    """
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return None
    return None if found.f_flag & os.ST_NOEXEC or found.f_bavail * found.f_frsize < _ROOM else _MEMORY


@pytest.fixture(scope="session")
def server_url() -> str:
    """The address of the test server's maintenance database."""
    return os.environ[_SERVER]


@pytest.fixture(scope="session")
def template_database(server_url: str) -> Iterator[str]:
    """The name of a database with pgvector and our schema, for this worker."""
    import psycopg

    from hybridrag.store import PostgresStore

    name = f"template_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    store = PostgresStore(database(server_url, name))
    store.migrate()
    store.close()
    yield name
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def database_url(server_url: str, template_database: str) -> Iterator[str]:
    """The address of a database of this test's own, with our schema and nothing in it."""
    with fresh_database(server_url, template_database) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(server_url: str, template_database: str) -> Iterator[str]:
    """The address of a database that the tests of a module share, where they only read."""
    with fresh_database(server_url, template_database) as url:
        yield url


@contextmanager
def fresh_database(server_url: str, template: str) -> Iterator[str]:
    import psycopg

    name = f"test_{uuid.uuid4().hex[:12]}"
    # Copying files is fastest where nothing waits for a disk; elsewhere it would wait for two checkpoints.
    strategy = "file_copy" if Path(os.environ.get(_HOME, "/")).is_relative_to(_MEMORY) else "wal_log"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}" strategy {strategy}')
    try:
        yield database(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static embedding model in the real model2vec layout: texts that share words are near."""
    return write_static_model(tmp_path_factory.mktemp("tiny-model"), dimensions=64, seed=1)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real network in the sentence-transformers layout, with random weights and prompts of its own."""
    prompts = {"query": "who : ", "document": "policy : "}
    return write_bert_model(tmp_path_factory.mktemp("tiny-bert"), prompts=prompts)


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that all workers share: a model is converted once, not once a worker."""
    base = tmp_path_factory.getbasetemp()
    cache = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "model-cache"
    cache.mkdir(exist_ok=True)
    return cache


_FORKING = Forking()


@dataclass(frozen=True)
class Result:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object on stdout."""
        value: dict[str, Any] = json.loads(self.out)
        return value


@dataclass(frozen=True)
class CommandLine:
    """`hybridrag` as users run it: a process of its own, with a home of its own."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self,
        *arguments: str | bytes,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
    ) -> Result:
        """Runs it to its end. There is no terminal, and no stdin unless given."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        given = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        with self._started(arguments, {**self.environment, **(env or {})}, cwd, stdin=given, **pipes) as process:
            try:
                out, err = process.communicate(stdin, timeout)
            except BaseException:
                process.kill()
                raise
        return Result(process.returncode, out.decode("utf-8"), err.decode("utf-8"))

    def start(self, *arguments: str | bytes, **options: Any) -> subprocess.Popen[bytes]:
        """Starts it and returns the process."""
        return self._started(arguments, self.environment, **options)

    def _started(
        self,
        arguments: Sequence[str | bytes],
        environment: Mapping[str, str],
        cwd: Path | None = None,
        **options: Any,
    ) -> subprocess.Popen[bytes]:
        process = None
        if self.command is CommandLine.command:
            process = _FORKING.start(arguments, environment=environment, cwd=cwd or self.home, **options)
        return process or self.start_anew(*arguments, env=dict(environment), cwd=cwd or self.home, **options)

    def start_anew(self, *arguments: str | bytes, **options: Any) -> subprocess.Popen[bytes]:
        """The same with an interpreter of its own, as users start it: a second of work more."""
        given = {"env": dict(self.environment), "cwd": self.home, **options}
        return subprocess.Popen(self.command(*arguments), **given)

    @staticmethod
    def command(*arguments: str | bytes) -> Sequence[str | bytes]:
        return [sys.executable, "-m", "hybridrag", *arguments]


def command_line(home: Path, url: str, model: Path) -> CommandLine:
    """The command line with an empty home."""
    home.mkdir()
    return CommandLine(
        home=home,
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "HYBRIDRAG_HOME": str(home / "state"),
            "HYBRIDRAG_DATABASE_URL": url,
            "HYBRIDRAG_EMBEDDER": str(model),
        },
    )


@pytest.fixture
def cli(tmp_path: Path, database_url: str, tiny_model: Path) -> CommandLine:
    """The command line with an empty home, an empty database and the tiny model."""
    return command_line(tmp_path / "home", database_url, tiny_model)


@dataclass(frozen=True)
class CommandLineHere(CommandLine):
    """The same in this process, for what does not depend on one of its own: it need not import everything again."""

    monkeypatch: pytest.MonkeyPatch = field(kw_only=True)
    capfd: pytest.CaptureFixture[str] = field(kw_only=True)

    def __call__(
        self,
        *arguments: str | bytes,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 0,  # the test's own holds
    ) -> Result:
        environment = {**self.environment, **(env or {})}
        if "--offline" in arguments or "HYBRIDRAG_OFFLINE" in environment:  # a process that goes offline stays so
            return super().__call__(*arguments, stdin=stdin, env=env, cwd=cwd)
        from hybridrag.cli.main import run

        with self.monkeypatch.context() as patched:
            for name in os.environ.keys() - environment.keys():
                patched.delenv(name)
            for name, value in environment.items():
                patched.setenv(name, value)
            patched.chdir(cwd or self.home)
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin or b""), encoding="utf-8"))
            self.capfd.readouterr()
            code = run([os.fsdecode(argument) for argument in arguments])
        out, err = self.capfd.readouterr()
        return Result(code, out, err)


Here = Callable[[CommandLine], CommandLine]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Here]:
    """Makes a command line one that runs in this process. What it starts still is a process of its own."""
    before = signal.getsignal(signal.SIGTERM)
    yield lambda cli: CommandLineHere(cli.home, cli.environment, monkeypatch=monkeypatch, capfd=capfd)
    signal.signal(signal.SIGTERM, before)


@dataclass(frozen=True)
class Prepared:
    """A home and its database as commands left them. What a test does to a copy of it stays there."""

    cli: CommandLine
    server_url: str
    model: Path

    @contextmanager
    def copy(self, folder: Path) -> Iterator[CommandLine]:
        """A command line with a home in `folder` and a database of its own, which both hold what these hold.

        What was ingested still has its files in the home that is copied.
        """
        name = urlsplit(self.cli.environment["HYBRIDRAG_DATABASE_URL"]).path.removeprefix("/")
        with fresh_database(self.server_url, name) as url:
            cli = command_line(folder / "home", url, self.model)
            shutil.copytree(self.cli.home, cli.home, symlinks=True, dirs_exist_ok=True)
            yield cli


@pytest.fixture(scope="module")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, server_url: str, module_database_url: str, tiny_model: Path
) -> Prepared:
    """An empty home and database for a module, whose own fixture brings in what all of its tests begin with."""
    cli = command_line(tmp_path_factory.mktemp("prepared") / "home", module_database_url, tiny_model)
    return Prepared(cli, server_url, tiny_model)


@pytest.fixture(scope="session")
def company_once(
    tmp_path_factory: pytest.TempPathFactory,
    server_url: str,
    template_database: str,
    tiny_model: Path,
    examples: Path,
) -> Iterator[Prepared]:
    with fresh_database(server_url, template_database) as url:
        cli = command_line(tmp_path_factory.mktemp("company") / "home", url, tiny_model)
        done = cli("ingest", str(examples))
        assert done.code == 0, done.err
        yield Prepared(cli, server_url, tiny_model)


@pytest.fixture
def company(company_once: Prepared, tmp_path: Path) -> Iterator[CommandLine]:
    """The command line with the documents of `examples/company` indexed by the tiny model."""
    with company_once.copy(tmp_path) as cli:
        yield cli


@pytest.fixture(scope="session")
def examples() -> Path:
    """The documents of `examples/company`."""
    return Path(__file__).parent.parent / "examples" / "company"


def database(url: str, name: str) -> str:
    """`url` with another database name."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))
