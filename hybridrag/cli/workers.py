"""The command line of a worker: this program again, with the same flags and settings."""

from __future__ import annotations

import sys

from hybridrag.cli.globals import Globals


def worker_command(flags: Globals, *verb: str) -> list[str]:
    """The arguments that run a verb as this command was run. Secrets are in none of them: the environment has them.

    It shows nothing but its error, as JSON.
    """
    # `-P` keeps the working folder off the module path.
    command = [sys.executable, "-P", "-m", "hybridrag", "--json", "--quiet", "--log-format=text"]
    given = {"-c": flags.collection, "--database-url": flags.database_url, "--config": flags.config}
    for flag, value in given.items():
        if value is not None:
            command += [flag, value]
    if flags.offline:
        command.append("--offline")
    return [*command, *verb]
