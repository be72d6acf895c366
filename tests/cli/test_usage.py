"""A command line that is wrong: the help that is named is that of the verb; only that is built."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from hybridrag.cli.app import app, only
from hybridrag.cli.globals import hoisted, verb_of
from tests.conftest import CommandLine


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("ask", "Who", "approves", "travel?"), "a text with blanks stands in quotes; see `hybridrag ask --help`"),
        (("ask", "--provder", "x", "y"), "see `hybridrag ask --help`"),
        (("providers", "lst"), "see `hybridrag providers --help`"),
        (("providers", "test"), "see `hybridrag providers test --help`"),
        (("aks", "Who?"), "see `hybridrag --help`"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_the_hint_names_the_help_of_the_verb(cli: CommandLine, arguments: tuple[str, ...], hint: str) -> None:
    done = cli(*arguments)
    assert done.code == 2
    assert done.err.splitlines()[-1] == f"hint:  {hint}"


@pytest.mark.parametrize(
    ("arguments", "verb"),
    [
        ("search x --json", "search"),
        ("-c search ingest .", "ingest"),
        ("ingest --collection search .", "ingest"),
        ("-csearch -q --log-format json db status", "db"),
        ("--database-url=postgresql://h/search sources list", "sources"),
        ("-- search", ""),
        ("--help", ""),
        ("", ""),
    ],
)
def test_the_verb_is_found_whatever_stands_before_it(arguments: str, verb: str) -> None:
    assert verb_of(hoisted(arguments.split())) == verb


def test_a_verb_built_alone_is_as_it_is_among_all() -> None:
    whole: Any = typer.main.get_command(app)
    assert len(whole.commands) > 10
    for verb, among_all in whole.commands.items():
        alone: Any = typer.main.get_command(only(verb))
        assert [*alone.commands] == [verb]
        assert described(alone.commands[verb]) == described(among_all)
        assert described(alone)["takes"] == described(whole)["takes"]
    assert only("serach") is app


def described(command: Any) -> dict[str, Any]:
    """What the command tells and takes, and each verb of its own."""
    return {
        "help": (command.help, command.epilog),
        "takes": [(param.name, param.opts, param.required, getattr(param, "help", "")) for param in command.params],
        "verbs": {name: described(inner) for name, inner in getattr(command, "commands", {}).items()},
    }
