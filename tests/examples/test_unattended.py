"""The examples for cron, systemd and CI: each is read by what will read it; commands are run, or parsed at least."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from hybridrag.cli.app import app
from hybridrag.cli.globals import hoisted
from hybridrag.evaluation.gate import read_gate
from hybridrag.store import PostgresStore
from tests.conftest import CommandLine, Here

EXAMPLES = Path(__file__).parents[2] / "examples"
UNITS = sorted((EXAMPLES / "systemd").glob("hybridrag-*.*"))
WORKFLOWS = sorted((EXAMPLES / "github-actions").glob("*.yml"))
CRONTAB = EXAMPLES / "cron" / "hybridrag.crontab"
PROGRAM = "/usr/local/bin/hybridrag"
REPEATED = {"Environment", "LoadCredential"}
FIELD = re.compile(r"(\*|\d+(-\d+)?)(/\d+)?(,\d+)*")


def unit(path: Path) -> dict[str, dict[str, list[str]]]:
    """A unit's sections, read strictly: every line is a comment, a section or KEY=VALUE, and nothing is said twice."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = sections.setdefault(re.fullmatch(r"\[(Unit|Service|Timer|Install)\]", line)[1], {})  # type: ignore[index]
            continue
        key, equals, value = line.partition("=")
        assert equals, line
        assert re.fullmatch("[A-Z][A-Za-z]+", key), line
        assert key in REPEATED or key not in section, line
        section.setdefault(key, []).append(value)
    return sections


def commands(script: str) -> Iterator[list[str]]:
    """The arguments of every hybridrag command in a shell script, without what the shell does with them."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        for name in ("hybridrag", "hybridrag-cron", PROGRAM):
            if name in words[:1]:
                end = next((at for at, word in enumerate(words) if word in {">", "|", "||", "&&", ";"}), len(words))
                yield words[1:end]


def parse(arguments: list[str]) -> None:
    """Has the command line parsed as far as its verb's own arguments; nothing is run. Fails where it is wrong."""
    command: Any = typer.main.get_command(app)
    rest = hoisted(arguments)
    context = command.make_context("hybridrag", rest)
    while hasattr(command, "resolve_command"):
        rest = [*getattr(context, "_protected_args", []), *context.args]
        _, command, rest = command.resolve_command(context, rest)
        assert command is not None, arguments
        context = command.make_context(command.name, list(rest), parent=context)


# --- systemd ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_says_what_it_should(path: Path) -> None:
    found = unit(path)
    if path.suffix == ".timer":
        assert path.with_suffix(".service") in UNITS
        assert found["Timer"]["Persistent"] == ["true"]
        return
    service = found["Service"]
    assert service["NoNewPrivileges"] == service["PrivateTmp"] == ["yes"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["User"] == ["hybridrag"]
    for command in (*service["ExecStart"], *service.get("ExecStop", [])):
        (arguments,) = commands(command.replace("%i", "handbook"))
        parse(arguments)
    if "db" not in path.name:
        assert "75" in service["SuccessExitStatus"][0].split()
        assert "%d/pgpass" in path.read_text()


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """With the program that is here in place of the one that is not installed."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd here; the strict reader above has read them")
    verify = ["systemd-analyze", "verify", "--man=no"]
    for path in UNITS:
        (tmp_path / path.name).write_text(path.read_text().replace(PROGRAM, sys.executable))
    paths = [str(tmp_path / path.name) for path in UNITS]
    done = subprocess.run([*verify, *paths], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    broken = tmp_path / "broken.service"
    broken.write_text("[Service]\nExecStart=/bin/true\nNoSuchThing=yes\n")
    assert "NoSuchThing" in subprocess.run([*verify, broken], capture_output=True, text=True, check=False).stderr


def test_the_database_unit_starts_and_stops_one(tmp_path: Path) -> None:
    service = unit(EXAMPLES / "systemd" / "hybridrag-db.service")["Service"]
    given = dict(pair.split("=", 1) for line in service["Environment"] for pair in line.split())
    environment = {**given, "HYBRIDRAG_HOME": str(tmp_path / "state"), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}

    def run(key: str) -> subprocess.CompletedProcess[str]:
        words = shlex.split(service[key][0].replace(PROGRAM, f"{sys.executable} -m hybridrag"))
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)

    started = run("ExecStart")
    try:
        assert (started.returncode, started.stderr) == (0, "")
        assert "running:   yes" in started.stdout
    finally:
        stopped = run("ExecStop")
    assert (stopped.returncode, stopped.stderr) == (0, "")


# --- cron ------------------------------------------------------------------------------------------------------------


def crontab() -> tuple[dict[str, str], list[str]]:
    """The variables and the commands of the example, as cron reads them: an unescaped % would end a command."""
    variables, told = {}, []
    for line in CRONTAB.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if found := re.fullmatch(r"([A-Z_]+)=(.*)", line):
            variables[found[1]] = found[2]
            continue
        *times, command = line.split(None, 5)
        assert len(times) == 5, line
        assert all(FIELD.fullmatch(time) for time in times), line
        assert not re.search(r"(?<!\\)%", command), line
        told.append(command.replace(r"\%", "%"))
    return variables, told


@pytest.fixture
def cron_environment(cli: CommandLine, tmp_path: Path) -> dict[str, str]:
    """What cron gives a command, with the index of this test; its programs stand in a folder of this test's own."""
    programs = tmp_path / "bin"
    programs.mkdir()
    shim = programs / "hybridrag"
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m hybridrag "$@"\n')
    shim.chmod(0o755)
    (programs / "hybridrag-cron").symlink_to(EXAMPLES / "cron" / "hybridrag-cron")
    variables, _ = crontab()
    index = {name: value for name, value in cli.environment.items() if name.startswith("HYBRIDRAG_")}
    return {
        **variables,
        "PATH": f"{programs}:{variables['PATH']}",
        "HOME": str(cli.home),
        "LOGNAME": "me",
        "USER": "me",
        **index,
    }


def by_cron(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [environment["SHELL"], "-c", command],
        env=environment,
        cwd=environment["HOME"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_lines_of_the_crontab_run(cli: CommandLine, here: Here, cron_environment: dict[str, str]) -> None:
    folder = cli.home / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# Travel\n\nThe meal allowance for travel is 62 euros.\n")
    question = '{"question": "What is the meal allowance?", "sources": ["notes/a.md"]}\n'
    (cli.home / "questions.jsonl").write_text(question)
    assert here(cli)("ingest", str(folder), "-q").code == 0
    _, lines = crontab()
    assert [line.split()[1] for line in lines] == ["sync", "eval", "db", "doctor"]
    for line in lines:
        done = by_cron(line, cron_environment)
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), line  # nothing to mail
    assert len(list(cli.home.glob("hybridrag-*.backup"))) == 1


def test_what_cron_mails(cli: CommandLine, here: Here, cron_environment: dict[str, str]) -> None:
    note = cli.home / "a.md"
    note.write_text("A note.\n")
    assert here(cli)("ingest", str(note), "-q").code == 0
    store = PostgresStore(cli.environment["HYBRIDRAG_DATABASE_URL"])
    collection = store.find_collection("default")
    assert collection is not None
    with store.ingest_run(collection):
        overlap = by_cron(f"hybridrag-cron ingest {note}", cron_environment)
    store.close()
    assert (overlap.returncode, overlap.stdout + overlap.stderr) == (0, "")
    broken = by_cron("hybridrag-cron search x -c nothing", cron_environment)
    assert broken.returncode == 2
    assert broken.stdout.startswith("hybridrag search ended with exit code 2\n")
    assert "there is no collection" in broken.stdout


# --- CI --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow[True]  # YAML 1.1 reads `on` so
    assert workflow["permissions"] == {"contents": "read"}
    seen = []
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step), step
            assert "secrets." not in step.get("run", ""), "a secret in a command line is read by others"
            assert "@" in step.get("uses", "@")
            seen += list(commands(step.get("run", "")))
    assert any(arguments[0] == "reindex" for arguments in seen)
    for arguments in seen:
        parse(arguments)


def test_the_gate_names_questions_that_are_there() -> None:
    path = EXAMPLES / "reindex" / "gate.toml"
    gate = read_gate(path)
    assert gate.minimum
    assert gate.max_regression
    assert gate.max_p95_ms
    assert len(gate.questions.read_text(encoding="utf-8").splitlines()) >= gate.minimum_questions
