"""Eight commands at once in an empty home: one database comes of it, and each command ends as it would alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import CommandLine, Here, command_line

EIGHT = range(8)


@pytest.fixture
def empty(tmp_path: Path, tiny_model: Path) -> Iterator[CommandLine]:
    """A home in which nothing was ever run, with a database of its own to come."""
    cli = command_line(tmp_path / "home", "", tiny_model)
    cli = replace(cli, environment={k: v for k, v in cli.environment.items() if k != "HYBRIDRAG_DATABASE_URL"})
    yield cli
    assert cli("db", "stop").code == 0


def test_eight_ingests_on_an_empty_machine(empty: CommandLine, tmp_path: Path, here: Here) -> None:
    """Six into collections of their own, and with two of them two more into the same."""
    folders = [tmp_path / f"notes-{number}" for number in EIGHT]
    for number, folder in enumerate(folders):
        folder.mkdir()
        (folder / "note.md").write_text(f"# Note {number}\n\nThe allowance number {number} is for travel.\n")
    processes = [
        empty.start(*("ingest", str(folder), "-c", f"c{number % 6}"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for number, folder in enumerate(folders)
    ]
    said = [process.communicate(timeout=180)[1].decode() for process in processes]
    codes = [process.returncode for process in processes]
    assert codes[2:6] == [0, 0, 0, 0], said
    for one, other in ((0, 6), (1, 7)):
        assert sorted((codes[one], codes[other])) in ([0, 0], [0, 75]), said
    assert not any("Traceback" in text or "a bug" in text for text in said), said
    at_hand = here(empty)
    for number in (n for n in EIGHT if codes[n] == 75):
        assert at_hand("ingest", str(folders[number]), "-c", f"c{number % 6}").code == 0
    listed = at_hand("collections", "list", "--json").json["collections"]
    assert {row["name"]: row["documents"] for row in listed} == {
        f"c{number}": 2 if number < 2 else 1 for number in range(6)
    }
    data = Path(empty.environment["HYBRIDRAG_HOME"]) / "data" / "postgresql"
    assert sorted(path.name for path in data.glob("cluster*")) == ["cluster"]
    assert len(list((data / "postgresql").iterdir())) == 1
