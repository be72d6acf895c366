"""One command's surroundings: its flags, its settings, and the live objects they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hybridrag.cli.console import notice, print_json
from hybridrag.cli.globals import Globals
from hybridrag.cli.logs import log, log_in
from hybridrag.config import Settings, has_password, load
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from hybridrag.wiring import Wiring


@dataclass(frozen=True)
class Session:
    """What a verb works with."""

    flags: Globals
    settings: Settings

    @staticmethod
    def of(context: typer.Context, **flags: Any) -> Session:
        """The session for a command; `flags` are settings that the verb itself takes, None where not given."""
        given: Globals = context.obj
        if given.database_url and has_password(given.database_url):
            raise UsageError(
                "--database-url holds a password, which every user of this machine could read",
                hint="leave it out; give it by PGPASSWORD, PGPASSFILE, a service file or HYBRIDRAG_DATABASE_URL",
            )
        values: dict[str, Any] = {
            "collection": given.collection,
            "database_url": given.database_url,
            "log_format": given.log_format,
            **flags,
        }
        values = {name: value for name, value in values.items() if value is not None}
        if given.offline:
            values["offline"] = True
        settings = load(flags=values, config_file=Path(given.config) if given.config else None)
        log_in(settings.log_format)
        if found := log():
            found.know(command=context.command_path.partition(" ")[2], collection=settings.collection)
        session = Session(given, settings)
        context.call_on_close(session.close)
        return session

    @cached_property
    def wiring(self) -> Wiring:
        from hybridrag.wiring import Wiring

        wiring = Wiring(self.settings, notify=self.notice)
        if self.settings.offline:
            wiring.stay_offline()
        return wiring

    def close(self) -> None:
        """Ends what the command opened: whoever embeds us goes on afterwards."""
        if "wiring" in self.__dict__:
            self.wiring.close()

    def notice(self, text: str) -> None:
        notice(text, quiet=self.flags.quiet)

    def say_collection(self) -> None:
        """Tells which collection is used, where the user did not name it."""
        if self.flags.collection is None:
            self.notice(f"collection: {self.settings.collection} ({self.settings.origins['collection']})")

    def json(self, value: dict[str, Any]) -> None:
        print_json(value)
