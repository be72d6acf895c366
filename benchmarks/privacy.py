"""The table of what the privacy gateway reaches: each figure, its target, and Presidio's patterns in the same run.

    python benchmarks/privacy.py --file LABELLED.json [--answers FOLDER] [--prose FOLDER] [--json FILE]

    python benchmarks/privacy.py --file pii.json                    leak, evasions, secrets, speed: a few minutes
    python benchmarks/privacy.py --file pii.json --only leak        one part
    python benchmarks/privacy.py --answers data --questions 200     answers kept, of 200 questions a set

The parts are scripts of their own: privacy_leak.py, privacy_evasions.py, privacy_secrets.py, privacy_speed.py and
privacy_answers.py. A part that cannot run is told as such and the others go on; the exit status is 1 then, or where a
target is missed. What only tests can assert (wrong restorations, injected faults) is in tests/privacy.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # the parts, and what they take from tests


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is to be: at most or at least `bound`."""

    bound: float
    most: bool

    def __str__(self) -> str:
        return f"{'at most' if self.most else 'at least'} {self.bound:g}"

    def met(self, figure: float) -> bool:
        return figure <= self.bound if self.most else figure >= self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `ours` and the `peer`'s are None where there is no such figure.

    The peer is Presidio's patterns, for secrets detect-secrets.
    """

    part: str
    what: str
    ours: float | None
    peer: float | None = None
    target: Target | None = None

    @property
    def goal(self) -> str:
        return str(self.target) if self.target else ""

    @property
    def verdict(self) -> str:
        if self.target is None or self.ours is None:
            return ""
        return "met" if self.target.met(self.ours) else "MISSED"


def at_most(bound: float) -> Target:
    return Target(bound, most=True)


def at_least(bound: float) -> Target:
    return Target(bound, most=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, help="texts with labelled spans, for the leak")
    parser.add_argument("--answers", type=Path, metavar="FOLDER", help="a folder with xquad/en, xquad/de, claude_docs")
    parser.add_argument("--questions", type=int, metavar="N", help="so many of each set of --answers (default: all)")
    parser.add_argument("--prose", type=Path, metavar="FOLDER", help="Markdown that holds no secrets, for over-masking")
    parser.add_argument("--only", metavar="PART,...", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures here")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else list(PARTS)
    if unknown := [part for part in wanted if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    rows: list[Row] = []
    figures: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for part in wanted:
        print(f"{part} ...", file=sys.stderr)
        try:
            figures[part] = PARTS[part](options)
        except Unavailable as exc:
            missing[part] = str(exc)
            continue
        rows += ROWS[part](figures[part])
    print(table(rows, missing))
    if "leak" in figures:
        print("\n" + importlib.import_module("privacy_leak").table(figures["leak"]))
    if options.json:
        written = {"rows": [asdict(row) | {"verdict": row.verdict} for row in rows], "missing": missing, **figures}
        options.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return 1 if missing or any(row.verdict == "MISSED" for row in rows) else 0


class Unavailable(Exception):
    """A part cannot run; the message says why."""


# --- the parts -------------------------------------------------------------------------------------------------------


def leak(options: argparse.Namespace) -> dict[str, Any]:
    if options.file is None:
        raise Unavailable("needs --file")
    measured: dict[str, Any] = part("privacy_leak").measure(options.file)
    return measured


def answers(options: argparse.Namespace) -> dict[str, Any]:
    if options.answers is None:
        raise Unavailable("needs --answers")
    measured: dict[str, Any] = part("privacy_answers").measure(options.answers, questions=options.questions)
    return measured


def secrets(options: argparse.Namespace) -> dict[str, Any]:
    measured: dict[str, Any] = part("privacy_secrets").measure(prose=[options.prose] if options.prose else [])
    return measured


def alone(module: str) -> Callable[[argparse.Namespace], dict[str, Any]]:
    """A part whose `measure()` needs nothing."""

    def run(_: argparse.Namespace) -> dict[str, Any]:
        measured: dict[str, Any] = part(module).measure()
        return measured

    return run


def part(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as exc:
        raise Unavailable(f"{exc.name} is not there") from exc


PARTS: Mapping[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "leak": leak,
    "evasions": alone("privacy_evasions"),
    "secrets": secrets,
    "speed": alone("privacy_speed"),
    "answers": answers,
}


# --- their rows ------------------------------------------------------------------------------------------------------


def leak_rows(figures: Mapping[str, Any]) -> Iterator[Row]:
    ways = figures["ways"]
    default, strict, presidio = ways["default"], ways["strict"], ways["presidio"]

    def row(what: str, way: Mapping[str, Any], figure: str, target: Target) -> Row:
        return Row("leak", what, way[figure], presidio[figure], target)

    yield row("structured values left readable", default, "structured leak", at_most(0.01))
    yield row("all spans left readable, default mode", default, "leak", at_most(0.5))
    yield row("characters masked in vain, default mode", default, "in vain", at_most(0.02))
    yield row("all spans left readable, strict mode", strict, "leak", at_most(0.35))
    yield row("characters masked in vain, strict mode", strict, "in vain", at_most(0.05))
    for name in ("default", "strict"):
        yield row(f"connections opened, {name} mode", ways[name], "connections", at_most(0))
    yield Row("leak", "MB/s on these short texts, strict mode", strict["MB/s"], presidio["MB/s"])


def answer_rows(figures: Mapping[str, Any]) -> Iterator[Row]:
    for name, figure in figures.items():
        yield Row("answers", f"{name}: kept after redaction", figure["kept after redaction"], None, at_least(0.98))
        both = figure["kept after reduction and redaction"]
        yield Row("answers", f"{name}: kept after reduction too", both, None, at_least(0.95))
        yield Row("answers", f"{name}: share of characters sent", figure["share of characters"])
        yield Row("answers", f"{name}: redaction of 8 whole passages, p50 ms", figure["redaction, p50 ms"])
        yield Row("answers", f"{name}: reduction of 8 passages, p50 ms", figure["reduction, p50 ms"])


def evasion_rows(figures: Mapping[str, Any]) -> Iterator[Row]:
    yield Row("evasions", "disguises, each of every entity", figures["disguises"], None, at_least(15))
    yield Row("evasions", "disguised values found", figures["found"], None, at_least(0.99))


def secret_rows(figures: Mapping[str, Any]) -> Iterator[Row]:
    peer = figures["detect-secrets"]
    others = peer if isinstance(peer, float | int) else None
    yield Row("secrets", "values covered in source trees", figures["covered"], others, at_least(0.9))
    yield Row("secrets", "source masked in vain", figures["source masked"])
    if "prose masked" in figures:
        yield Row("secrets", "prose masked in vain", figures["prose masked"], None, at_most(0.05))


def speed_rows(figures: Mapping[str, Any]) -> Iterator[Row]:
    for name, figure in figures.items():
        yield Row("speed", f"{name}: MB/s", figure["MB/s"], None, at_least(3))
        yield Row("speed", f"{name}: ms for ten passages of 2 KB", figure["ten passages ms"], None, at_most(10))


ROWS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Row]]] = {
    "leak": leak_rows,
    "evasions": evasion_rows,
    "secrets": secret_rows,
    "speed": speed_rows,
    "answers": answer_rows,
}


def table(rows: Sequence[Row], missing: Mapping[str, str]) -> str:
    width = max([40, *(len(row.what) for row in rows)])
    lines = [f"{'part':<10}{'what':<{width}}{'ours':>10}{'peer':>10}  {'target':<15}"]
    lines += [
        f"{row.part:<10}{row.what:<{width}}{shown(row.ours):>10}{shown(row.peer):>10}  "
        f"{row.goal:<15} {row.verdict}".rstrip()
        for row in rows
    ]
    lines += [f"{name:<10}not measured: {why}" for name, why in missing.items()]
    return "\n".join(lines)


def shown(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:.4g}"


if __name__ == "__main__":
    sys.exit(main())
