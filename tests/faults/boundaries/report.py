"""What came of a sweep, as a table for people."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tests.faults.boundaries.steps import MODES
from tests.faults.boundaries.sweep import Outcome

_MOST_SHOWN = 20


def failures(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.failure]


def markdown(outcomes: Sequence[Outcome], steps: Mapping[str, Counter[str]], *, seconds: float, version: str) -> str:
    """The record of a sweep: where and when, what failed how often, and what was then wrong.

    `steps` are those of the undisturbed runs, by scenario and kind.
    """
    date = datetime.now(UTC).date().isoformat()
    faults = sum(outcome.step is not None for outcome in outcomes)
    wrong = failures(outcomes)
    lines = [
        f"# Faults, {date}",
        "",
        f"`make faults` on {platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python"
        f" {platform.python_version()}; code {version}; {seconds / 60:.0f} minutes.",
        "",
        f"{faults:,} faults; after {len(wrong):,} of them something was wrong. After each, what readers see must be"
        " whole, and the next run must end as an undisturbed one does: see `docs/faults.md`.",
        "",
        "| scenario | durable steps | " + " | ".join(MODES) + " | exit codes | wrong |",
        "|---|---|" + "---|" * len(MODES) + "---|---|",
    ]
    for scenario, kinds in steps.items():
        of_scenario = [outcome for outcome in outcomes if outcome.scenario == scenario and outcome.step is not None]
        modes = Counter(outcome.mode for outcome in of_scenario)
        codes = Counter(outcome.code for outcome in of_scenario)
        cells = [
            scenario,
            f"{kinds.total()}: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
            *(str(modes[mode]) for mode in MODES),
            ", ".join(f"{code} ({count})" for code, count in sorted(codes.items())),
            str(len(failures(of_scenario))),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    if wrong:
        lines += ["", "## Wrong", ""]
        for outcome in wrong[:_MOST_SHOWN]:
            lines.append(f"- {outcome.scenario}, {outcome.mode} {outcome.side} step {outcome.at} ({outcome.step}):")
            lines += [f"      {line}" for line in outcome.failure.splitlines()]
        if len(wrong) > _MOST_SHOWN:
            lines.append(f"- and {len(wrong) - _MOST_SHOWN:,} more")
    return "\n".join(lines) + "\n"
