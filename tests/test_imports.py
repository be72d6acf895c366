"""What a command loads: help nothing heavy, and only what embeds a network. Seen in fresh interpreters."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import hybridrag
from tests.conftest import CommandLine

PACKAGE = Path(hybridrag.__file__).parent
HEAVY = {
    "huggingface_hub",
    "httpx",
    "kreuzberg",
    "numpy",
    "openvino",
    "phonenumbers",
    "psycopg",
    "re2",
    "sentence_transformers",
    "tokenizers",
    "torch",
    "transformers",
}
NETWORKS = {"openvino", "torch", "transformers", "sentence_transformers"}
_RUN = """
import json, sys
from hybridrag.cli.main import run
code = run(sys.argv[1:])
loaded = sorted({name.partition(".")[0] for name, module in sys.modules.items() if module is not None})
sys.stderr.write("\\n" + json.dumps([code, loaded]))
"""
_HELP = """
import json, sys
import typer
from hybridrag.cli.app import app
from hybridrag.cli.main import run
def verbs(command, path=()):
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from verbs(inner, (*path, name))
shown = [" ".join(path) for path in verbs(typer.main.get_command(app)) if run([*path, "--help"]) == 0]
loaded = sorted({name.partition(".")[0] for name, module in sys.modules.items() if module is not None})
sys.stderr.write("\\n" + json.dumps([shown, loaded]))
"""


@dataclass(frozen=True)
class Loaded:
    """What one command line loaded, of what is heavy."""

    code: int
    modules: set[str]
    out: str


def loaded(arguments: list[str], environment: dict[str, str], cwd: Path) -> Loaded:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return Loaded(code, HEAVY & set(modules), done.stdout)


def test_no_help_loads_anything_heavy(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HYBRIDRAG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _HELP], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    shown, modules = json.loads(done.stderr.splitlines()[-1])
    assert {"", "ingest", "search", "ask", "documents show", "sources list", "db status", "doctor"} <= set(shown)
    assert len(shown) > 15
    assert not HEAVY & set(modules)
    assert not (tmp_path / "data").exists()


@pytest.fixture
def environment(cli: CommandLine, tiny_bert: Path, model_cache: Path) -> dict[str, str]:
    """A home whose cache of models is shared by all workers, and a real network as the model."""
    home = Path(cli.environment["HYBRIDRAG_HOME"])
    home.mkdir()
    model_cache.mkdir(exist_ok=True)
    (home / "cache").symlink_to(model_cache)
    return {**cli.environment, "HYBRIDRAG_EMBEDDER": str(tiny_bert), "HYBRIDRAG_DEVICE": "cpu"}


def test_no_command_loads_more_than_its_work_needs(cli: CommandLine, environment: dict[str, str]) -> None:
    docs = cli.home / "docs"
    docs.mkdir()
    (docs / "travel.md").write_text("# Travel\n\nThe meal allowance is 62 euros. The hotel price is 90 euros a night.")
    first = loaded(["ingest", str(docs)], environment, cli.home)
    assert (first.code, first.modules & NETWORKS) == (0, {"openvino"}), "the conversion needs torch in a child only"

    again = loaded(["ingest", str(docs), "--json"], environment, cli.home)
    assert json.loads(again.out)["documents"]["unchanged"] == 1
    assert not again.modules & NETWORKS

    hybrid = loaded(["search", "meal allowance", "--json"], environment, cli.home)
    assert json.loads(hybrid.out)["hits"][0]["document"]["uri"] == "docs/travel.md"
    assert hybrid.modules & NETWORKS == {"openvino"}

    lexical = loaded(["search", "meal allowance", "--mode", "lexical", "--json"], environment, cli.home)
    assert len(json.loads(lexical.out)["hits"]) == 1
    assert not lexical.modules & {*NETWORKS, "tokenizers", "kreuzberg", "httpx"}

    answer = loaded(["ask", "what is the meal allowance?", "--json"], environment, cli.home)
    assert json.loads(answer.out)["mode"] == "extractive"
    assert answer.modules & {*NETWORKS, "kreuzberg", "httpx"} == {"openvino"}

    listed = loaded(["documents", "list", "--json"], environment, cli.home)
    assert listed.modules == {"psycopg"}


def test_only_the_gateway_makes_an_outbound() -> None:
    makers = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _name(node.func) == "Outbound"
    }
    assert makers == {"privacy/gateway.py"}


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
