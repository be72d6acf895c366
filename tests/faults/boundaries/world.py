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
from tests.conftest import database, in_memory
from tests.faults.boundaries.launcher import Ended, Launcher, server_of
from tests.faults.boundaries.steps import Fault, Mode, Side
from tests.faults.stops import wait_until_nobody_is_connected
from tests.models.tiny import write_static_model
from tests.servers.embeddings import EmbeddingServer, embedding, embeddings


@dataclass(frozen=True)
class Prepared:
    """What the runs of a scenario begin with: `folder` has a `home` and a `root`, `template` is the name of a database.

    `facts` are what its commands name.
    """

    folder: Path
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
        """The folder for what is ingested; it has the same path and the same files for all copies."""
        return self.world.root

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


Step = Callable[[Spot], None] | tuple[str, ...]
"""What is done before a scenario: a change of files, or a command."""


class World:
    """A server, two models and a launcher, below one folder. Holds one scenario's run at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "root"
        self.launcher = Launcher(folder)  # first, since it takes away the rest
        self.server = server_of(folder)
        self.models = {
            name: write_static_model(_made(folder / name), dimensions=dimensions, seed=seed)
            for name, dimensions, seed in (("model", 64, 1), ("other", 96, 2))
        }
        self._prepared: dict[tuple[Step, ...], Prepared] = {(): self._nothing()}
        self._endpoints = ExitStack()
        self.server.ensure_running(lambda _: None)
        self._execute('create database "prepared_0"')
        store = PostgresStore(database(self.server.url, "prepared_0"))
        store.migrate()
        store.close()

    def _nothing(self) -> Prepared:
        folder = self.folder / "prepared_0"
        _made(folder / "home")
        _made(folder / "root")
        facts = {name: str(model) for name, model in self.models.items()}
        return Prepared(folder, folder.name, {**facts, "embedder": facts["model"], "root": str(self.root)})

    def prepared(self, steps: tuple[Step, ...]) -> Prepared:
        """What steps make of an empty home and database. What several begin with is done once."""
        if steps not in self._prepared:
            before = self.prepared(steps[:-1])
            folder = self.folder / f"prepared_{len(self._prepared)}"
            shutil.copytree(before.folder, folder, symlinks=True)
            self._copy_database(before.template, folder.name)
            spot = Spot(self, folder / "home", database(self.server.url, folder.name), dict(before.facts))
            with self._rooted(folder):
                step = steps[-1]
                step(spot) if callable(step) else spot(*step)
            self._prepared[steps] = Prepared(folder, folder.name, spot.facts)
        return self._prepared[steps]

    def endpoint(self) -> str:
        """The name of an embedding model behind an address, which serves as long as this world."""
        embed = embedding(self.models["model"], self.folder / "cache")
        return f"{self._endpoints.enter_context(EmbeddingServer(embeddings(embed))).url}#tiny"

    @contextmanager
    def copy(self, prepared: Prepared) -> Iterator[Spot]:
        """A copy of a home and its database, for the `with` block."""
        name = f"run_{uuid.uuid4().hex[:12]}"
        home = self.folder / name
        shutil.copytree(prepared.folder / "home", home, symlinks=True)
        self._copy_database(prepared.template, name)
        try:
            with self._rooted(prepared.folder):
                yield Spot(self, home, database(self.server.url, name), dict(prepared.facts))
        finally:
            self._execute(f'drop database "{name}" with (force)')
            shutil.rmtree(home)

    @contextmanager
    def _rooted(self, folder: Path) -> Iterator[None]:
        """Has the `root` of a folder where all roots are, for the `with` block. Its files keep inode and times."""
        (folder / "root").rename(self.root)
        try:
            yield
        finally:
            self.root.rename(folder / "root")

    def close(self) -> None:
        self._endpoints.close()
        self.launcher.close()

    def _copy_database(self, template: str, name: str) -> None:
        self._execute(f'create database "{name}" template "{template}" strategy file_copy')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def a_world() -> Iterator[World]:
    """A world in a temporary folder, for the `with` block. The launcher takes both away, whatever happens here."""
    world = World(Path(tempfile.mkdtemp(prefix="hybridrag-faults-", dir=in_memory())))
    try:
        yield world
    finally:
        world.close()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
