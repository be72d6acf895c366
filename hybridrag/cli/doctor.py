"""`hybridrag doctor`."""

from __future__ import annotations

import sys

import typer

from hybridrag.cli.console import coloured, printable
from hybridrag.cli.session import Session
from hybridrag.errors import DoctorUnhappy


def doctor(context: typer.Context) -> int:
    """Checks everything the program needs, and names the command that mends what is wrong.

    Example: hybridrag doctor
    """
    session = Session.of(context)
    checks = session.wiring.doctor()
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.doctor/1",
                "ok": all(check.state != "failure" for check in checks),
                "checks": [{"name": c.name, "state": c.state, "detail": c.detail, "remedy": c.remedy} for c in checks],
            }
        )
    else:
        colours = {"ok": "\033[32m", "warning": "\033[33m", "failure": "\033[31m"} if coloured(sys.stdout) else {}
        off = "\033[0m" if colours else ""
        for check in checks:
            sys.stdout.write(
                f"{colours.get(check.state, '')}{check.state:<8}{off} {check.name}: {printable(check.detail)}\n"
            )
            if check.remedy:
                sys.stdout.write(f"         {printable(check.remedy)}\n")
    failed = [check.name for check in checks if check.state == "failure"]
    if failed:
        raise DoctorUnhappy(f"these checks failed: {', '.join(failed)}", hint="see the remedies above")
    return 0
