"""A corpus in two states, what an undisturbed run makes of each, and databases that hold the first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import CommandLine, command_line, database, fresh_database
from tests.faults import corpus
from tests.faults.digest import Digest, digest


@dataclass(frozen=True)
class Corpus:
    """`first` and `second` are folders in the two states; `indexed` names a database with the first state of `second`.

    `of_first` and `of_second` are what undisturbed runs leave.
    """

    first: Path
    second: Path
    indexed: str
    of_first: Digest
    of_second: Digest

    @staticmethod
    def paths(state: Path) -> tuple[str, str]:
        return str(state / "docs"), str(state / "records.jsonl")


def url_of(cli: CommandLine) -> str:
    return cli.environment["HYBRIDRAG_DATABASE_URL"]


@pytest.fixture(scope="session")
def the_corpus(
    tmp_path_factory: pytest.TempPathFactory, server_url: str, template_database: str, tiny_model: Path
) -> Iterator[Corpus]:
    root = tmp_path_factory.mktemp("corpus")
    first, second = root / "first", root / "second"
    corpus.write(first)
    corpus.write(second)
    with copy_of(server_url, template_database) as indexed:
        done = command_line(root / "home-1", database(server_url, indexed), tiny_model)("ingest", *Corpus.paths(second))
        assert done.code == 0, done.err
        corpus.change(second)
        of_first = digest(database(server_url, indexed))
        with copy_of(server_url, indexed) as other:
            done = command_line(root / "home-2", database(server_url, other), tiny_model)(
                "ingest", *Corpus.paths(second)
            )
            assert done.code == 0, done.err
            of_second = digest(database(server_url, other))
        yield Corpus(first, second, indexed, of_first, of_second)


@pytest.fixture
def indexed(tmp_path: Path, server_url: str, the_corpus: Corpus, tiny_model: Path) -> Iterator[CommandLine]:
    """The command line on a database of its own that holds the first state of `the_corpus.second`."""
    with copy_of(server_url, the_corpus.indexed) as name:
        yield command_line(tmp_path / "home-indexed", database(server_url, name), tiny_model)


@pytest.fixture
def bare_database_url(server_url: str) -> Iterator[str]:
    """The address of a database without our schema, and without pgvector as yet."""
    with copy_of(server_url, "template1") as name:
        yield database(server_url, name)


@contextmanager
def copy_of(server_url: str, template: str) -> Iterator[str]:
    """The name of a new database, made from another, for the `with` block."""
    with fresh_database(server_url, template) as url:
        yield urlsplit(url).path.removeprefix("/")
