"""The database as a whole, from settings: its backup, its way back, its upgrade."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridrag.flows.backup import BackedUp
    from hybridrag.store.restoring import Restored
    from hybridrag.wiring import Wiring


def running_url(wiring: Wiring) -> str:
    """The database's address, once its server runs. Its schema stays as it is, for a backup before an update."""
    if wiring.server is not None:
        wiring.server.ensure_running(wiring.notify)
    return wiring.store.url


def back_up(wiring: Wiring, file: Path | None, *, force: bool, working: Callable[[int], None]) -> BackedUp:
    """A backup in `file`, or on stdout where that is None."""
    from hybridrag.flows import backup

    url = running_url(wiring)
    if file is None:
        return backup.back_up_to(url, sys.stdout.buffer)
    return backup.back_up(url, file, force=force, working=working)


def collections_in(wiring: Wiring) -> list[str]:
    """The names of the collections that a restore would take the place of."""
    from hybridrag.store.restoring import collections_in

    return collections_in(running_url(wiring))


def bring_back(wiring: Wiring, file: Path | None, *, replace: bool, working: Callable[[str], None]) -> Restored:
    """What a backup holds, from `file`, or from stdin where that is None."""
    from hybridrag.flows import backup

    return backup.bring_back(running_url(wiring), file, sys.stdin.buffer, replace=replace, working=working)
