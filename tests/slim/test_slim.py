"""An installation without torch, transformers and sentence-transformers, in a virtual environment of its own."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement

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
    assert slim_requirements() == [need for need in project["dependencies"] if distribution(need) not in LEFT_OUT]
    assert {distribution(need) for need in project["dependencies"]} > LEFT_OUT


def test_every_version_is_pinned() -> None:
    pinned = {distribution(line) for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines()}
    assert {distribution(line) for line in slim_requirements()} <= pinned


def slim_requirements() -> list[str]:
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def distribution(requirement: str) -> str:
    """The normalised name in a requirement (packaging.python.org, name normalisation)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~!; ]", requirement, maxsplit=1)[0]).lower()


# --- the installation ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def slim(model_cache: Path) -> Path:
    """An environment as requirements-slim.txt says, made once for all workers.

    What others wrote is linked from the installation that runs the tests, file by file (to install it again is half a
    gigabyte and half a minute); the package itself is built and installed.
    """
    environment = model_cache.parent / "slim"
    with (model_cache.parent / "slim.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / "whole").exists():
            venv.create(environment, symlinks=True, clear=True)
            link(needed(slim_requirements()), site_packages(environment))
            python = environment / "bin" / "python"
            done = subprocess.run(
                [sys.executable, "-m", "pip", "--python", python, "install", "--no-compile", "--no-deps", ROOT],
                env={**os.environ, "PIP_CONSTRAINT": str(CONSTRAINTS)},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr[-3000:]
            (environment / "whole").touch()
    return environment


def site_packages(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


def needed(requirements: Iterable[str]) -> list[Distribution]:
    """What pip would install for these, by what each installed distribution says that it requires."""
    found: dict[tuple[str, str], Distribution] = {}
    waiting = [Requirement(requirement) for requirement in requirements]
    while waiting:
        wanted = waiting.pop()
        for extra in ("", *wanted.extras):
            key = (distribution(wanted.name), extra)
            if key not in found:
                found[key] = Distribution.from_name(wanted.name)
                more = map(Requirement, found[key].requires or [])
                waiting += [one for one in more if one.marker is None or one.marker.evaluate({"extra": extra})]
    return list({name: installed for (name, _), installed in found.items()}.values())


def link(installed: Iterable[Distribution], place: Path) -> None:
    """Links the files of distributions into an environment, but for those outside its packages, as programs are."""
    for one in installed:
        for file in one.files or []:
            if ".." not in file.parts:
                target = place / file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(file.locate())


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
def run(slim: Path, cli: CommandLine) -> SlimCommandLine:
    return SlimCommandLine(slim / "bin" / "hybridrag", cli)


def test_nothing_brings_torch_in(slim: Path) -> None:
    names = {distribution(found.metadata["Name"]) for found in distributions(path=[str(site_packages(slim))])}
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
