"""The flags that every verb takes, before or after it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

WITH_VALUE = {"--collection": "collection", "-c": "collection", "--database-url": "database_url", "--config": "config"}
LOG_FORMAT = "--log-format"
SWITCHES = {
    "--json": "json",
    "--offline": "offline",
    "--quiet": "quiet",
    "-q": "quiet",
    "--verbose": "verbose",
    "-v": "verbose",
    "--debug": "debug",
}
_SHORT_SWITCHES = re.compile(r"-[qv]{2,}")


@dataclass(frozen=True, slots=True)
class Globals:
    """The global flags as given; None and False where they were not."""

    collection: str | None = None
    database_url: str | None = None
    config: str | None = None
    json: bool = False
    offline: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    log_format: str | None = None

    @staticmethod
    def peek(arguments: Sequence[str]) -> Globals:
        """The switches among hoisted arguments and the form of logs, known before they are parsed: errors need them."""
        found: dict[str, bool | str] = {}
        for argument in arguments:
            if argument in SWITCHES:
                found[SWITCHES[argument]] = True
            elif argument.startswith(f"{LOG_FORMAT}="):
                found["log_format"] = argument.partition("=")[2]
            elif not argument.startswith("-") or argument == "--":
                break
        return Globals(**found)  # type: ignore[arg-type]


def hoisted(argv: Sequence[str]) -> list[str]:
    """The arguments with every global flag moved before the verb; what follows `--` stays.

    Switches come first, and the form of logs in one piece among them, so that `peek` finds them before any value.
    """
    switches: list[str] = []
    valued: list[str] = []
    rest: list[str] = []
    arguments = list(argv)
    while arguments:
        argument = arguments.pop(0)
        name, equals, _ = argument.partition("=")
        if argument == "--":
            rest.extend([argument, *arguments])
            break
        if argument in SWITCHES or argument == "--version":
            switches.append(argument)
        elif _SHORT_SWITCHES.fullmatch(argument):
            switches.extend(f"-{letter}" for letter in argument[1:])
        elif argument == LOG_FORMAT and arguments:
            switches.append(f"{LOG_FORMAT}={arguments.pop(0)}")
        elif argument == LOG_FORMAT:
            return [*switches, argument]
        elif equals and name == LOG_FORMAT:
            switches.append(argument)
        elif argument in WITH_VALUE:
            if not arguments:
                return [*switches, argument]  # alone, so that the missing value is what the parser complains about
            valued.extend([argument, arguments.pop(0)])
        elif argument.startswith("-c") or (equals and name in WITH_VALUE):
            valued.append(argument)
        else:
            rest.append(argument)
    return [*switches, *valued, *rest]


def verb_of(arguments: Sequence[str]) -> str:
    """The verb among hoisted arguments; empty where there is none, or where it stands behind `--`."""
    rest = iter(arguments)
    for argument in rest:
        if argument in WITH_VALUE:
            next(rest, None)
        elif not argument.startswith("-"):
            return argument
        elif argument == "--":
            break
    return ""
