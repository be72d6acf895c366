"""A PostgreSQL of our own that may be killed, and prepared homes and databases of which each run gets a copy."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from hybridrag.store import PostgresStore
from hybridrag.store.embedded import EmbeddedServer
from tests.conftest import database
from tests.faults.boundaries.launcher import Ended, Launcher
from tests.faults.boundaries.steps import Fault, Mode, Side
from tests.faults.stops import wait_until_nobody_is_connected
from tests.models.tiny import write_static_model
from tests.servers.embeddings import EmbeddingServer, embedding, embeddings


@dataclass(frozen=True)
class Prepared:
    """What the runs of a scenario begin with: a home, the name of a database, and facts that its commands name."""

    home: Path
    template: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Spot:
    """A home and a database of one run's own."""

    world: World
    home: Path
    url: str
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder for what is ingested; the same one for all copies."""
        return Path(self.facts["root"])

    def __call__(self, *arguments: str) -> Ended:
        """Runs a command that must work."""
        done = self.run(arguments)
        assert done.code == 0, f"{arguments}: {done.code} {done.err}"
        return done

    def run(self, arguments: Sequence[str], fault: Fault | None = None) -> Ended:
        """Runs `hybridrag`; `{name}` in an argument stands for that fact."""
        state = self.home / "state"
        ended = self.world.launcher.run(
            [argument.format_map(self.facts) for argument in arguments],
            environment={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "LANG": "C.UTF-8",
                "HYBRIDRAG_HOME": str(state),
                "HYBRIDRAG_DATABASE_URL": self.url,
                "HYBRIDRAG_EMBEDDER": self.facts["embedder"],
            },
            cwd=self.home,
            watched=[state, self.root],
            fault=fault,
        )
        if fault and fault.mode == "postgres" and ended.failed_at:
            self.world.server.ensure_running(lambda _: None)
        # The server notices by itself that a process is gone, and rolls back what it had begun.
        wait_until_nobody_is_connected(self.url)
        return ended

    def fault(self, at: int, mode: Mode, side: Side) -> Fault:
        pid = self.world.server.status().pid if mode == "postgres" else None
        return Fault(at, mode, side, server=pid or 0, released=str(self.world.folder / "data" / "server.lock"))


class World:
    """A server, two models and a launcher, below one folder. Holds one scenario's run at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = EmbeddedServer(data=folder / "data", run=folder / "run")
        self.models = {
            name: write_static_model(_made(folder / name), dimensions=dimensions, seed=seed)
            for name, dimensions, seed in (("model", 64, 1), ("other", 96, 2))
        }
        self._prepared: dict[str, Prepared] = {}
        self._endpoints = ExitStack()
        self.server.ensure_running(lambda _: None)
        self.launcher = Launcher(_made(folder / "outputs"))
        self._execute('create database "migrated"')
        store = PostgresStore(database(self.server.url, "migrated"))
        store.migrate()
        store.close()

    def prepared(self, name: str, prepare: Callable[[Spot], None]) -> Prepared:
        """What `prepare` makes of an empty home and database; made once for each name."""
        if name not in self._prepared:
            template = f"prepared_{uuid.uuid4().hex[:12]}"
            self._execute(f'create database "{template}" template "migrated"')
            facts = {key: str(model) for key, model in self.models.items()}
            facts["embedder"] = facts["model"]
            facts["root"] = str(_made(self.folder / "roots" / name))
            home = _made(self.folder / "homes" / name)
            prepare(Spot(self, home, database(self.server.url, template), facts))
            self._prepared[name] = Prepared(home, template, facts)
        return self._prepared[name]

    def endpoint(self) -> str:
        """The name of an embedding model behind an address, which serves as long as this world."""
        embed = embedding(self.models["model"], self.folder / "cache")
        return f"{self._endpoints.enter_context(EmbeddingServer(embeddings(embed))).url}#tiny"

    @contextmanager
    def copy(self, prepared: Prepared) -> Iterator[Spot]:
        """A copy of a home and its database, for the `with` block."""
        name = f"run_{uuid.uuid4().hex[:12]}"
        home = self.folder / name
        shutil.copytree(prepared.home, home, symlinks=True)
        self._execute(f'create database "{name}" template "{prepared.template}" strategy file_copy')
        try:
            yield Spot(self, home, database(self.server.url, name), dict(prepared.facts))
        finally:
            self._execute(f'drop database "{name}" with (force)')
            shutil.rmtree(home)

    def close(self) -> None:
        self._endpoints.close()
        self.launcher.close()
        self.server.stop()

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def a_world() -> Iterator[World]:
    """A world in a temporary folder, for the `with` block."""
    folder = Path(tempfile.mkdtemp(prefix="hybridrag-faults-"))
    try:
        world = World(folder)
        try:
            yield world
        finally:
            world.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
