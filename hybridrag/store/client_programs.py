"""`pg_dump` and `pg_restore`: which of those at hand fit a server, and how they are told where it is.

Nothing secret is put on a command line, which every user of the machine can read: a password goes to them by the
environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hybridrag.errors import DatabaseError, UsageError
from hybridrag.store import embedded_binaries
from hybridrag.store.tls import secured

_PASSED_ON = re.compile(r"(PG|KRB5|SSL_CERT_)\w+|PATH|HOME|USER|LOGNAME|TMPDIR|LD_LIBRARY_PATH")
"""What libpq reads of the environment; nothing else of it is theirs to know, no key of a provider above all."""
_SECRET = re.compile(r"password|secret|_key$")


@dataclass(frozen=True, slots=True)
class Program:
    """One program, its version, and whether it can speak TLS: those that we bring were built without."""

    path: Path
    version: str
    speaks_tls: bool

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


def fitting(name: str, *, server: str = "", tls: bool = False) -> Program:
    """The program that can work with a server of that version, by TLS if need be; ours before those on PATH.

    Raises DatabaseError, naming the versions, where there is none.
    """
    least = int(re.match(r"\d+", server or "0")[0])  # type: ignore[index]  # a version begins with its major number
    found = list(_found(name))
    for program in found:
        if program.major >= least and (program.speaks_tls or not tls):
            return program
    here = ", ".join(f"{one.path} {one.version}{'' if one.speaks_tls else ' without TLS'}" for one in found) or "none"
    wanted = f"{least} or later" + (", with TLS" if tls else "") if server else "any"
    raise DatabaseError(
        f"no fitting {name} is here: wanted is {wanted}; found: {here}",
        hint=f"install PostgreSQL's client programs, version {least or embedded_binaries.MAJOR} or later, on PATH",
    )


def _found(name: str) -> Iterator[Program]:
    ours = embedded_binaries.shipped()
    if ours is not None and (ours / name).is_file():
        yield Program(ours / name, _version(ours / name), speaks_tls=False)
    if on_path := shutil.which(name):
        yield Program(Path(on_path), _version(Path(on_path)), speaks_tls=True)


def _version(program: Path) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, env=environment()).stdout
    match = re.search(r"\d+(\.\d+)*", said)
    return match[0] if match else "0"


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What of ours a program may know; its messages are English."""
    return {name: value for name, value in environ.items() if _PASSED_ON.fullmatch(name)} | {"LC_ALL": "C"}


def reaching(url: str, environ: Mapping[str, str] = os.environ) -> tuple[str, dict[str, str]]:
    """The argument and the environment with which a program connects to `url`; a password is in the latter only.

    Raises UsageError for other secrets, which libpq reads from an address or a file and nowhere else.
    """
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    given = conninfo_to_dict(secured(url, environ))
    passed = environment(environ)
    if password := given.pop("password", None):
        passed["PGPASSWORD"] = str(password)
    for keyword in given:
        if _SECRET.search(keyword):
            raise UsageError(
                f"{keyword} in the database address cannot be handed to PostgreSQL's programs",
                hint="put it into a service file (PGSERVICEFILE), and name that with PGSERVICE",
            )
    return f"--dbname={make_conninfo('', **given)}", passed
