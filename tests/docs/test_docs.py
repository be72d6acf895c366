"""The documentation says what the program does: every verb, flag, exit code and file it names is there."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
import typer.main

from hybridrag import errors
from hybridrag.cli.app import app
from hybridrag.cli.globals import SWITCHES, WITH_VALUE

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "docker/README.md",
]
CLI = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


@functools.cache
def verbs() -> dict[str, list[str]]:
    """Every verb with its own verbs, as the program has them."""
    group = typer.main.get_command(app)
    return {name: sorted(getattr(command, "commands", {})) for name, command in group.commands.items()}  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_every_verb_is_documented(verb: str) -> None:
    row = next((line for line in CLI.splitlines() if line.startswith(f"| `{verb}")), "")
    assert row, f"docs/cli.md has no row for {verb}"
    for inner in verbs()[verb]:
        assert f"`{inner}`" in row or f"{verb} {inner}`" in row, f"{verb} {inner}"


def test_every_global_flag_is_documented() -> None:
    for flag in [*WITH_VALUE, *SWITCHES, "--version"]:
        assert re.search(rf"{re.escape(flag)}\b", CLI), flag


def test_every_exit_code_is_documented() -> None:
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.HybridragError)]
    for code in {c.exit_code for c in classes} | {0, 2, 130, 143}:
        assert re.search(rf"^\| (\d+, )?{code}\b", CLI, re.MULTILINE), code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_our_files_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_shown_is_one_the_program_has(page: Path) -> None:
    known = verbs()
    for line in re.findall(r"^(?:\$ )?hybridrag (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        words = re.sub(r"-c \S+ ", "", line).split()
        assert words[0] in known or words[0].startswith("-"), line
        if known.get(words[0]):
            assert words[1] in known[words[0]] or words[1].startswith("-"), line


def test_the_readme_opens_with_its_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```sh\n(.*?)```", readme, re.DOTALL)
    assert block is not None
    assert re.findall(r"^make \w+", block[1], re.MULTILINE) == ["make demo", "make test"]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)`", readme)) <= set(targets)


def test_every_decision_named_in_the_code_exists() -> None:
    numbers = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")}
    for path in (ROOT / "hybridrag").rglob("*.py"):
        for number in re.findall(r"docs/decisions/(\d{4})", path.read_text(encoding="utf-8")):
            assert number in numbers, f"{path}: {number}"
