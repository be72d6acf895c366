"""A command line that is wrong: the help that is named is that of the verb."""

from __future__ import annotations

import pytest

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
