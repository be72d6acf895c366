"""An installation without torch, transformers and sentence-transformers, in a virtual environment of its own."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from tests.conftest import CommandLine, Result
from tests.models.shipping import copy_without_weights, minilm, ship_onnx, ship_openvino
from tests.models.tiny import write_bert_model

ROOT = Path(__file__).parents[2]
REQUIREMENTS, CONSTRAINTS = ROOT / "requirements-slim.txt", ROOT / "constraints.txt"
LEFT_OUT = {"sentence-transformers", "torch"}
QUESTION = "meal allowance for travel"


# --- the list --------------------------------------------------------------------------------------------------------


def test_the_list_holds_the_dependencies_but_torch_and_sentence_transformers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    slim = [line for line in lines if line and not line.startswith("#")]
    assert slim == [need for need in project["dependencies"] if distribution(need) not in LEFT_OUT]
    assert {distribution(need) for need in project["dependencies"]} > LEFT_OUT


def test_every_version_is_pinned() -> None:
    pinned = {distribution(line) for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines()}
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    assert {distribution(line) for line in lines if line and not line.startswith("#")} <= pinned


def distribution(requirement: str) -> str:
    """The normalised name in a requirement (packaging.python.org, name normalisation)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~!; ]", requirement, maxsplit=1)[0]).lower()


# --- the installation ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slim:
    """The slim environment, and the lock under which it is changed alone and used together."""

    environment: Path
    lock: IO[str]

    def pip(self, *arguments: str | Path) -> str:
        """Runs pip on the environment, whose own it has not: that would be thousands of files more."""
        command = [sys.executable, "-m", "pip", "--python", self.environment / "bin" / "python", *arguments]
        constraints = {**os.environ, "PIP_CONSTRAINT": str(CONSTRAINTS)}
        done = subprocess.run(command, env=constraints, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    @contextmanager
    def locked(self, how: int) -> Iterator[None]:
        fcntl.flock(self.lock, how)
        try:
            yield
        finally:
            fcntl.flock(self.lock, fcntl.LOCK_UN)


@pytest.fixture(scope="session")
def installed(pytestconfig: pytest.Config) -> Iterator[Slim]:
    """An environment as requirements-slim.txt says.

    What others wrote is installed once for each list of versions (half a gigabyte, 15 seconds) and kept with pytest's
    cache; the package itself in every run of the tests.
    """
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("slim")
    environment, versions, package = folder / "environment", folder / "versions", folder / "package"
    with (folder / "lock").open("w") as lock:
        slim = Slim(environment, lock)
        with slim.locked(fcntl.LOCK_EX):
            if read(versions) != (wanted := REQUIREMENTS.read_text() + CONSTRAINTS.read_text() + sys.version):
                subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", environment], check=True)
                slim.pip("install", "--no-compile", "--requirement", REQUIREMENTS)
                versions.write_text(wanted)
                package.unlink(missing_ok=True)
            run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
            if read(package) != run:
                slim.pip("install", "--no-compile", "--no-deps", "--force-reinstall", ROOT)
                package.write_text(run)
        yield slim


def read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


@pytest.fixture
def slim(installed: Slim) -> Iterator[Slim]:
    """The environment, which no other run of the tests changes meanwhile."""
    with installed.locked(fcntl.LOCK_SH):
        yield installed


@dataclass(frozen=True)
class SlimCommandLine:
    """`hybridrag` of the slim environment, with the home and the database of a full one."""

    program: Path
    full: CommandLine

    def __call__(self, *arguments: str, model: Path, database: bool = True) -> Result:
        environment = {**self.full.environment, "HYBRIDRAG_EMBEDDER": str(model)}
        if not database:
            del environment["HYBRIDRAG_DATABASE_URL"]
        done = subprocess.run(
            [self.program, *arguments],
            env=environment,
            cwd=self.full.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def run(slim: Slim, cli: CommandLine) -> SlimCommandLine:
    return SlimCommandLine(slim.environment / "bin" / "hybridrag", cli)


def test_nothing_brings_torch_in(slim: Slim) -> None:
    names = {distribution(package["name"]) for package in json.loads(slim.pip("list", "--format=json"))}
    assert {"hybridrag", "openvino", "tokenizers"} <= names
    assert not names & {*LEFT_OUT, "transformers", "scikit-learn", "scipy", "sympy"}


# --- models ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped_minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real all-MiniLM-L6-v2 as a folder that ships `openvino/` and no weights."""
    folder = copy_without_weights(minilm(), tmp_path_factory.mktemp("minilm") / "shipped")
    return ship_openvino(minilm(), folder)


def test_a_model_that_ships_openvino(run: SlimCommandLine, shipped_minilm: Path, examples: Path) -> None:
    """On the embedded server, as someone begins who has nothing else."""
    try:
        first = run("ingest", str(examples / "handbook"), "--json", model=shipped_minilm, database=False)
        assert first.code == 0, first.err
        assert first.json["chunks"]["embedded"] > 5
        found = run("search", QUESTION, "-k", "3", "--json", model=shipped_minilm, database=False)
        assert found.code == 0, found.err
        assert found.json["hits"][0]["document"]["uri"] == "handbook/travel-policy.md"
        report = run("doctor", "--json", model=shipped_minilm, database=False)
        assert "384 dimensions, window 256 tokens, openvino on cpu" in model_check(report)["detail"]
    finally:
        stopped = run("db", "stop", model=shipped_minilm, database=False)
    assert stopped.code == 0, stopped.err


def test_a_full_installation_finds_the_same_in_the_same_collection(
    run: SlimCommandLine, cli: CommandLine, shipped_minilm: Path, examples: Path
) -> None:
    assert run("ingest", str(examples / "handbook"), model=shipped_minilm).code == 0
    env = {"HYBRIDRAG_EMBEDDER": str(shipped_minilm)}
    slim, full = run("search", QUESTION, "--json", model=shipped_minilm), cli("search", QUESTION, "--json", env=env)
    assert full.code == slim.code == 0, full.err + slim.err
    assert places(slim) == places(full)
    scores, expected = ([hit["score"] for hit in found.json["hits"]] for found in (slim, full))
    assert np.allclose(scores, expected, atol=1e-4)


def places(found: Result) -> list[Any]:
    return [(hit["document"]["uri"], hit["location"]) for hit in found.json["hits"]]


def test_a_model_that_ships_onnx(run: SlimCommandLine, tmp_path: Path, examples: Path) -> None:
    whole = write_bert_model(tmp_path / "whole")
    folder = ship_onnx(whole, copy_without_weights(whole, tmp_path / "shipped"))
    assert run("ingest", str(examples / "handbook"), model=folder).code == 0
    assert run("search", QUESTION, "--json", model=folder).json["hits"]


def test_a_static_model(run: SlimCommandLine, tiny_model: Path, examples: Path) -> None:
    first = run("ingest", str(examples / "handbook"), model=tiny_model)
    assert first.code == 0, first.err
    found = run("search", QUESTION, "--json", model=tiny_model)
    assert found.json["hits"][0]["document"]["uri"] == "handbook/travel-policy.md"
    assert "static on cpu" in model_check(run("doctor", "--json", model=tiny_model))["detail"]


def test_a_model_that_ships_nothing_is_an_error_with_a_way_out(
    run: SlimCommandLine, tiny_bert: Path, examples: Path
) -> None:
    refused = run("ingest", str(examples / "handbook"), model=tiny_bert)
    assert refused.code == 5
    for advice in ("openvino/", "onnx/", "torch", "sentence-transformers", "static"):
        assert advice in refused.err
    assert "Traceback" not in refused.err
    assert model_check(run("doctor", "--json", model=tiny_bert))["state"] == "failure"


def model_check(report: Result) -> dict[str, Any]:
    (check,) = (check for check in report.json["checks"] if check["name"] == "model")
    return dict(check)
