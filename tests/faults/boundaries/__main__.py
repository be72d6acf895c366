"""Runs all faults, or some of them, and records what came of it.

python -m tests.faults.boundaries --all --jobs 2 --out benchmarks/results/2026-11-21-faults.md
python -m tests.faults.boundaries --scenario ingest --mode kill --at 7 --side after
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from tests.faults.boundaries.report import failures, markdown
from tests.faults.boundaries.scenarios import SCENARIOS
from tests.faults.boundaries.steps import MODES, Mode, Side
from tests.faults.boundaries.sweep import Outcome, Undisturbed, broken_off, places, undisturbed
from tests.faults.boundaries.world import World, a_world

_ROOT = Path(__file__).parents[3]


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    if not options.all and not options.scenario:
        print("which? --all, or --scenario NAME", file=sys.stderr)
        return 2
    started = time.monotonic()
    version = _version()
    record = _Record(Path(options.record), version, fresh=options.at is not None)
    scenarios = options.scenario or list(SCENARIOS)
    steps: dict[str, Counter[str]] = {}
    with ExitStack() as stack:
        worlds = [stack.enter_context(a_world()) for _ in range(options.jobs)]
        free, known, over = list(worlds), _Known(), threading.Event()

        def work(scenario: str, mode: Mode) -> None:
            world = free.pop()
            try:
                normal = known.undisturbed(world, scenario)
                steps[scenario] = Counter(step.kind for step in normal.steps)
                chosen: list[tuple[int, Side]] = places(normal.steps, mode)
                if options.at is not None:
                    chosen = [(options.at, options.side)]
                for at, side in chosen:
                    if not over.is_set() and not record.holds(scenario, mode, side, at):
                        record.add(broken_off(world, SCENARIOS[scenario], normal, at=at, mode=mode, side=side))
            finally:
                free.append(world)

        with ThreadPoolExecutor(options.jobs) as pool:
            units = [(scenario, mode) for scenario in scenarios for mode in options.mode or MODES]
            futures = [pool.submit(work, *unit) for unit in units]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                over.set()  # what is under way ends; the next call goes on from there
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    outcomes = [outcome for outcome in record.outcomes() if outcome.scenario in scenarios]
    seconds = record.seconds + time.monotonic() - started
    record.spent(seconds)
    ordered = {name: steps[name] for name in scenarios}
    report = markdown(outcomes, ordered, seconds=seconds, version=version)
    print(report)
    if options.out:
        Path(options.out).write_text(report, encoding="utf-8")
    return 1 if failures(outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.boundaries", description=__doc__)
    parser.add_argument("--all", action="store_true", help="every scenario")
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS))
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--at", type=int, help="only this step")
    parser.add_argument("--side", choices=get_args(Side), default="before")
    parser.add_argument("--jobs", type=int, default=1, help="servers, and runs at once")
    parser.add_argument("--out", help="a Markdown file for the record")
    parser.add_argument(
        "--record", default=str(_ROOT / "build" / "faults.jsonl"), help="what is done; the next call goes on from there"
    )
    return parser


class _Known:
    """The undisturbed run of each scenario in each world, run once."""

    def __init__(self) -> None:
        self._runs: dict[tuple[int, str], Undisturbed] = {}

    def undisturbed(self, world: World, scenario: str) -> Undisturbed:
        key = (id(world), scenario)
        if key not in self._runs:
            self._runs[key] = undisturbed(world, SCENARIOS[scenario])
        return self._runs[key]


class _Record:
    """The outcomes so far, a line each in a file; those of other code do not count."""

    def __init__(self, file: Path, version: str, *, fresh: bool) -> None:
        self._version = version
        self._lock = threading.Lock()
        self._done: dict[tuple[str, str, str, int], Outcome] = {}
        self.seconds = 0.0
        self._file = None if fresh else file
        for line in self._lines():
            if "seconds" in line:
                self.seconds = line["seconds"]
            else:
                self._keep(Outcome(**line))

    def holds(self, scenario: str, mode: str, side: str, at: int) -> bool:
        return (scenario, mode, side, at) in self._done

    def add(self, outcome: Outcome) -> None:
        with self._lock:
            self._keep(outcome)
            self._append(asdict(outcome))
            state = "WRONG" if outcome.failure else "ok"
            where = outcome.step or "no fault: the run is complete"
            print(f"{state:6}{outcome.scenario} {outcome.mode} {outcome.side} {outcome.at} ({outcome.code}) {where}",
                  file=sys.stderr)  # fmt: skip
            if outcome.failure:
                print(outcome.failure, file=sys.stderr)

    def spent(self, seconds: float) -> None:
        self._append({"seconds": seconds})

    def outcomes(self) -> list[Outcome]:
        return list(self._done.values())

    def _keep(self, outcome: Outcome) -> None:
        self._done[outcome.scenario, outcome.mode, outcome.side, outcome.at] = outcome

    def _append(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as out:
                out.write(json.dumps({**line, "version": self._version}) + "\n")

    def _lines(self) -> Iterator[dict[str, Any]]:
        if self._file is not None and self._file.exists():
            for text in self._file.read_text(encoding="utf-8").splitlines():
                line = json.loads(text)
                if line.pop("version") == self._version:
                    yield line


def _version() -> str:
    """A hash of the code that is tested, and of the tests that do it."""
    digest = hashlib.sha256()
    for folder in ("hybridrag", "migrations", "tests/faults"):
        for file in sorted((_ROOT / folder).rglob("*")):
            if file.suffix in {".py", ".sql"}:
                digest.update(f"{file.relative_to(_ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the servers are stopped then too
    sys.exit(main(sys.argv[1:]))
