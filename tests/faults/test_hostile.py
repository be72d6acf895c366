"""A folder of files made to harm: the run ends, each of them is told with its reason, and what is good is indexed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.parsing import hostile_archives, hostile_data, hostile_markup, hostile_office, hostile_pdf

MIB = 1024**2
MEMORY = 1024 * MIB
LARGEST = 8 * MIB
GOOD = {
    "good/travel.md": b"# Travel\n\nThe meal allowance is 62 euros for a day of travel.\n",
    "good/leave.html": b"<main><h1>Leave</h1><p>The team lead approves days of leave.</p></main>",
    "zz-last.md": b"# Last\n\nThe porter has the keys to the cellar.\n",
}
MISNAMED = {
    "wrong/page.pdf": b"<html><body><p>A page</p></body></html>",
    "wrong/letter.docx": b"Dear all, this is no Word file.",
    "wrong/table.xlsx": b"a,b\n1,2\n",
    "wrong/program.md": b"\x7fELF" + bytes(range(256)) * 40,
    "wrong/noise.txt": bytes((number * 7919) % 251 for number in range(5000)),
    "wrong/zeros.md": b"\0" * 4096,
    "wrong/one-line.json": b"[" + b'"x",' * (10 * MIB // 4) + b'"x"]',
}
ROGUE = """
import ctypes, os, signal, sys, time
from hybridrag.parsing.parsed import Parsed

class Rogue:
    media_types = frozenset({"text/x-tex"})
    version = "1"

    def parse(self, content, media_type):
        what = content.decode().strip()
        if what == "hang":
            while True: pass
        if what == "sleep":
            time.sleep(3600)
        if what == "segfault":
            ctypes.string_at(0)
        if what.startswith("signal"):
            os.kill(os.getpid(), int(what.split()[1]))
        if what == "exit":
            os._exit(0)
        if what == "memory":
            return Parsed(text="x" * (1 << 40))
        if what == "endless":
            return Parsed(text="x " * (30 << 20))
        if what == "recursion":
            return self.parse(content, media_type)
        if what == "raise":
            raise RuntimeError("The secret of the file is 4711.")
        if what == "quit":
            sys.exit(3)
        if what == "chatter":
            os.write(1, b"\\0" * 100); os.write(2, b"noise" * 100_000)
            return Parsed(text="It writes where nobody reads.")
        if what == "network":
            import socket
            socket.create_connection(("127.0.0.1", int(os.environ.get("PORT", "9"))), timeout=5)
        if what == "disk":
            with open("flood", "wb") as file:
                while True: file.write(b"x" * (1 << 20))
        return Parsed(text="Nothing but words.")
"""
ACTS = ("hang", "sleep", "segfault", "signal 9", "signal 6", "exit", "memory", "endless", "recursion", "raise", "quit",
        "network", "disk")  # fmt: skip
"""What a parser may do that meets a file it cannot bear. Such parsers exist; here one is written to do it on demand."""


MEASURED = """
import os, subprocess, sys
peak, *command = sys.argv[1:]
_, status, usage = os.wait4(subprocess.Popen(command).pid, 0)
with open(peak, "w") as file:
    file.write(str(usage.ru_maxrss * 1024))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a command, and writes the most bytes that it or a process of its had at once. A process of its own does, since
what Linux counts for a new process begins with what its parent had: here, all the models of other tests."""


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, set[str]]]:
    """The folder, and the paths of what was made to harm."""
    folder = tmp_path / "docs"
    hostile: dict[str, bytes] = dict(MISNAMED)
    for module in (hostile_archives, hostile_data, hostile_markup, hostile_office, hostile_pdf):
        kind = module.__name__.rpartition("_")[2]
        hostile |= {f"{kind}/{name}": content for name, content in module.files().items()}
    hostile |= {f"acts/{act.replace(' ', '-')}.tex": act.encode() for act in ACTS}
    for path, content in {**hostile, **GOOD}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(folder)  # the name of a socket may have 100 bytes
        (folder / "odd").mkdir()
        listening.bind("odd/socket.md")
        os.mkfifo(folder / "odd/pipe.md")
        (folder / "odd/out.md").symlink_to("/etc/passwd")
        (folder / "odd/broken.md").symlink_to("nowhere")
        (folder / "odd/round.md").symlink_to("round.md")
        (folder / "odd/up").symlink_to("..")
        (folder / "odd/terabyte.md").touch()
        os.truncate(folder / "odd/terabyte.md", 1024**4)
        odd = {f"odd/{name}.md" for name in ("socket", "pipe", "out", "broken", "round", "terabyte")}
        yield folder, set(hostile) | odd


@pytest.fixture
def rogue(tmp_path: Path) -> Path:
    """A folder with an installed package that brings the parser."""
    site = tmp_path / "site"
    (site / "rogue-1.dist-info").mkdir(parents=True)
    (site / "rogue.py").write_text(ROGUE)
    (site / "rogue-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: rogue\nVersion: 1\n")
    (site / "rogue-1.dist-info/entry_points.txt").write_text("[hybridrag.parsers]\nrogue = rogue:Rogue\n")
    return site


@pytest.mark.skipif(sys.platform != "linux", reason="needs the limits and the file system of Linux")
def test_no_file_harms_a_run(corpus: tuple[Path, set[str]], rogue: Path, cli: CommandLine, tmp_path: Path) -> None:
    folder, hostile = corpus
    assert len(hostile) >= 60
    env = {
        "PYTHONPATH": str(rogue),
        "HYBRIDRAG_PARSERS": "rogue",
        "HYBRIDRAG_PARSE_TIMEOUT": "3",
        "HYBRIDRAG_PARSE_MEMORY": str(MEMORY),
        "HYBRIDRAG_MAX_FILE_BYTES": str(LARGEST),
    }
    armed = replace(cli, environment={**cli.environment, **env})
    measured = (sys.executable, "-c", MEASURED, str(tmp_path / "peak"))
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        ended = subprocess.run(
            [*measured, *armed.command("ingest", str(folder), "--json")],
            env=dict(armed.environment),
            cwd=armed.home,
            stdout=out,
            stderr=err,
            check=False,
        )
    said = (tmp_path / "err").read_text()
    assert ended.returncode == 0, said
    assert int((tmp_path / "peak").read_text()) < MEMORY + 512 * MIB
    told = problems(json.loads((tmp_path / "out").read_text()))
    indexed = paths(cli)
    assert set(GOOD) <= indexed
    silent = {
        path
        for path in hostile
        if not any(found == path or found.startswith(f"{path}/") for found in {*told, *indexed})
    }
    assert not silent
    for path, (reason, _) in told.items():
        assert reason, path
        assert "4711" not in reason
    for act in set(ACTS) - {"network"}:
        assert f"acts/{act.replace(' ', '-')}.tex" in told
    assert "Traceback" not in said

    again = armed("ingest", str(folder), "--json")
    assert again.code == 0
    assert problems(again.json) == told
    assert again.json["stages"]["parse"] == 0
    assert paths(cli) == indexed


def problems(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Reason and hint by path."""
    return {
        problem["uri"].removeprefix("docs/"): (problem["reason"], problem["hint"]) for problem in report["problems"]
    }


def paths(cli: CommandLine) -> set[str]:
    listed = cli("documents", "list", "--json").json
    return {document["uri"].removeprefix("docs/") for document in listed["documents"]}
