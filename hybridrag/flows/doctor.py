"""Doctor: every check runs, whatever the others found, and each failure names its remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from hybridrag.errors import HybridragError

State = Literal["ok", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `remedy` says what to do, and is empty where all is well."""

    name: str
    state: State
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Concern(Exception):
    """Raised by a probe for what works but should be looked at."""

    detail: str
    remedy: str


def examine(probes: Sequence[tuple[str, Callable[[], str]]]) -> list[Check]:
    """Runs each probe. It returns what it found well, raises a Concern, or fails with a HybridragError."""
    return [_check(name, probe) for name, probe in probes]


def _check(name: str, probe: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", probe())
    except Concern as exc:
        return Check(name, "warning", exc.detail, exc.remedy)
    except HybridragError as exc:
        return Check(name, "failure", exc.message, exc.hint)
    except Exception as exc:  # a check that breaks is a finding, not the end of the others
        return Check(name, "failure", f"the check itself failed ({type(exc).__name__})", "report this")
