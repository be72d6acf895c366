"""The folders of the embedded server, and whether they are fit for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from hybridrag.errors import DatabaseError
from hybridrag.store.embedded_process import pid_file_lines, postmaster
from hybridrag.store.embedded_socket import choose_folder, is_private, socket_file


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything lies below `data`, and where the socket is: see `hybridrag.store.embedded`."""

    data: Path
    run: Path

    @property
    def cluster(self) -> Path:
        return self.data / "cluster"

    @property
    def logs(self) -> Path:
        return self.data / "log"

    @property
    def start_lock(self) -> Path:
        return self.data / "start.lock"

    @property
    def server_lock(self) -> Path:
        return self.data / "server.lock"

    @property
    def upgrade(self) -> Path:
        """Where a major upgrade makes the new cluster."""
        return self.data / "cluster.upgrade"

    @property
    def upgrade_lock(self) -> Path:
        """Held while a server runs on `upgrade`."""
        return self.data / "upgrade.lock"

    @property
    def kept(self) -> list[Path]:
        """The clusters of earlier major versions, as upgrades left them."""
        return sorted(
            folder for folder in self.data.glob("cluster.*") if re.fullmatch(r"cluster\.\d+(-\d+)?", folder.name)
        )

    @property
    def next_socket_folder(self) -> Path:
        """Where a server that is started now will listen."""
        return choose_folder(data=self.data, run=self.run)

    @property
    def socket_folder(self) -> Path:
        """Where the server listens, by its own account; else where it will.

        A command from cron has another environment, and so another `run`, than the login that started the server.
        """
        told = pid_file_lines(self.cluster)[4:5]
        if told and told[0] and postmaster(self.cluster) is not None:
            return Path(told[0])
        return self.next_socket_folder

    @property
    def lost_its_socket(self) -> bool:
        """Whether a server takes connections, but its socket is gone, as with /run/user/ID after a logout."""
        state = pid_file_lines(self.cluster)[7:8]
        return bool(state) and state[0].strip() == "ready" and not socket_file(self.socket_folder).exists()

    def refuse_foreign(self) -> None:
        """Raises DatabaseError if the data belongs to another user."""
        for folder in (self.data, self.cluster):
            if folder.exists() and folder.stat().st_uid != os.geteuid():
                raise DatabaseError(
                    f"The folder {folder} belongs to the user with id {folder.stat().st_uid}, not to you",
                    hint="Run the command as that user, or choose another folder with HYBRIDRAG_HOME.",
                )

    def refuse_unusable(self) -> None:
        """Raises DatabaseError for a path that PostgreSQL's programs cannot cope with: they paste it into a shell."""
        unusable = set(str(self.data)) & set('"$`\\\r\n')
        if unusable:
            raise DatabaseError(
                f"PostgreSQL cannot live in {self.data}: the path holds {' '.join(map(repr, sorted(unusable)))}",
                hint="Choose another folder with HYBRIDRAG_HOME.",
            )

    def make_folders(self) -> None:
        _make_private(self.data)
        _make_private(self.logs)

    def make_socket_folder(self) -> Path:
        """The folder for a new server's socket. Raises DatabaseError if another user could reach into it."""
        folder = self.next_socket_folder
        _make_private(folder)
        is_private(folder)
        return folder

    def forget_dead_server(self) -> None:
        """Removes what a killed server left; PostgreSQL believes a pid file if its pid was given out again.

        Call it only while no server runs here, and after `make_socket_folder`.
        """
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        socket = socket_file(self.next_socket_folder)
        lock = socket.with_name(f"{socket.name}.lock")
        try:
            owner = lock.read_text(errors="surrogateescape").splitlines()[1]
            ours = self.cluster.samefile(owner)
        except (FileNotFoundError, IndexError):
            return
        if ours:
            lock.unlink(missing_ok=True)
            socket.unlink(missing_ok=True)


def _make_private(folder: Path) -> None:
    """Makes the folder and its missing parents, open to us alone; those that exist stay as they are."""
    if os.path.lexists(folder):
        return
    _make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
