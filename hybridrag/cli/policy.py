"""`hybridrag policy show|check`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import printable, stdout
from hybridrag.cli.labels import label_named
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError
from hybridrag.types import Label

if TYPE_CHECKING:
    from hybridrag.flows.policy import Change, Checked, Past, Place
    from hybridrag.privacy.policy_layers import Bound, Cell, Composed

app = typer.Typer(help="What may leave, in which form, and who said so.", no_args_is_help=True)


@app.command("show")
def show(
    context: typer.Context,
    label: Annotated[
        str | None, typer.Option("--label", metavar="LEVEL", help="Only for texts with this label.")
    ] = None,
) -> int:
    """Shows what is done with each type of value under each label, the budgets, and what is required.

    Example: hybridrag policy show --label confidential
    """
    from hybridrag.flows.policy import effective

    session = Session.of(context)
    labels = tuple(Label) if label is None else (label_named(label),)
    composed = effective(session.settings)
    if session.flags.json:
        session.json(_composed_json(composed, labels))
        return 0
    _print_actions(composed, labels)
    _print_bounds(composed, labels)
    return 0


@app.command("check")
def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy or settings file, not yet in its place.")],
    place: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="PLACE",
            help="Where it would go: floor, user or project. By its name if left out: hybridrag.toml is a project's, "
            "config.toml the user's, and any other the administrator's.",
        ),
    ] = None,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Tell what it would have done to the requests in the ledger.")
    ] = False,
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="How many requests, from the latest.")] = 1000,
    label: Annotated[
        str, typer.Option("--label", metavar="LEVEL", help="The label to judge these requests by.")
    ] = "internal",
) -> int:
    """Tells what would change if a file were put in its place, or why it could not be. Nothing is installed.

    Example: hybridrag policy check policy.toml --ledger
    """
    from hybridrag.flows.policy import check as checked_file

    session = Session.of(context)
    checked = checked_file(
        session.settings,
        file,
        _place(place, file),
        label=label_named(label),
        ledger=session.settings.paths.data / "ledger.jsonl" if ledger else None,
        last=last,
    )
    if session.flags.json:
        session.json(_checked_json(checked, file))
        return 0
    _print_changes(checked)
    if checked.past is not None:
        _print_past(checked.past)
    return 0


def _place(text: str | None, file: Path) -> Place:
    from hybridrag.flows.policy import PLACES, place_of

    if text is None:
        return place_of(file)
    found = next((place for place in PLACES if place == text), None)
    if found is None:
        raise UsageError(f"--as: {text!r} is none of {', '.join(PLACES)}")
    return found


# --- for people ------------------------------------------------------------------------------------------------------


def _print_actions(composed: Composed, labels: tuple[Label, ...]) -> None:
    """One row for each type that something else is done with than with the rest; numbers stand for origins."""
    from rich.table import Table

    from hybridrag.privacy.policy import EVERY
    from hybridrag.privacy.policy_layers import DEFAULT

    table = Table(box=None, pad_edge=False)
    for title in ("type", *(label.value for label in labels)):
        table.add_column(title, overflow="fold")
    origins: dict[str, int] = {}

    def shown(cell: Cell) -> str:
        if cell.said is DEFAULT:
            return cell.action
        return f"{cell.action} [{origins.setdefault(str(cell.said), len(origins) + 1)}]"

    rows = {type: [composed.cells[label][type] for label in labels] for type in composed.cells[labels[0]]}
    rest = rows.pop(EVERY)
    for type, row in rows.items():
        if row != rest:
            table.add_row(type, *map(shown, row))
    table.add_row("all others" if table.rows else "all", *map(shown, rest))
    stdout().print(table)
    for origin, number in origins.items():
        stdout().print(f"[{number}] {printable(origin)}")


def _print_bounds(composed: Composed, labels: tuple[Label, ...]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("what else", "value", "origin"):
        table.add_column(title, overflow="fold", no_wrap=title != "origin")
    for what, value, origin in _others(composed, labels):
        table.add_row(what, value, printable(origin))
    stdout().print()
    stdout().print(table)


def _others(composed: Composed, labels: tuple[Label, ...]) -> list[tuple[str, str, str]]:
    """Name (as the files have it), value and origin of everything that is no action."""
    from hybridrag.privacy.policy_file import KEEP_PAYLOAD, SWITCHES

    bounds = {f"budgets.{name}": bound for name, bound in composed.budgets.items()}
    bounds |= {f"reduction.{label.value}": composed.reduction[label] for label in labels}
    rows = [(name, _bound(bound), str(bound.said)) for name, bound in bounds.items()]
    rows += [(f"strict: {label.value}", *_yes(label, composed.strict)) for label in labels]
    return rows + [(name, *_yes(name, composed.switches)) for name in (*SWITCHES, KEEP_PAYLOAD)]


def _bound(bound: Bound) -> str:
    return "no bound" if bound.characters is None else f"{bound.characters:,} characters"


def _yes(key: Any, said: Mapping[Any, Any]) -> tuple[str, str]:
    return "yes" if key in said else "no", str(said.get(key, "default"))


def _print_changes(checked: Checked) -> None:
    out = stdout()
    out.print(f"The file can be used as the {_PLACES[checked.place]}.")
    if not checked.changes:
        out.print("It would change nothing.")
    for change, labels in _together(checked.changes):
        all_of_them = not labels or len(labels) == len(Label)
        under = "" if all_of_them else f" under {', '.join(label.value for label in labels)}"
        way = "stricter" if change.stricter else "LOOSER"
        out.print(f"{way:<9}{printable(_what(change))}{under}: {change.before} -> {change.after}")


def _together(changes: Iterable[Change]) -> list[tuple[Change, list[Label]]]:
    """Changes that differ by their label alone, as one with all its labels."""
    found: dict[Change, list[Label]] = {}
    for change in changes:
        labels = found.setdefault(replace(change, label=None), [])
        labels += [] if change.label is None else [change.label]
    return list(found.items())


def _what(change: Change) -> str:
    from hybridrag.privacy.policy import EVERY

    return "all other types" if change.what == EVERY else change.what


_PLACES = {"floor": "administrator's policy", "user": "user's settings file", "project": "project's settings file"}


def _print_past(past: Past) -> None:
    out = stdout()
    if not past.requests:
        out.print("The ledger holds no redacted request to judge by it.")
        return
    out.print(
        f"Of the last {past.requests:,} redacted requests in the ledger {past.blocked:,} would have been blocked, "
        f"{past.tightened:,} sent with more taken out, {past.loosened:,} with less."
    )
    for type, count in past.types.items():
        out.print(f"{printable(type):<12}in {count:,}")


# --- for programs ----------------------------------------------------------------------------------------------------


def _composed_json(composed: Composed, labels: tuple[Label, ...]) -> dict[str, Any]:
    return {
        "schema": "hybridrag.policy/1",
        "fingerprint": composed.policy.fingerprint,
        "labels": {
            label.value: {
                type: {"action": cell.action, "origin": str(cell.said)} for type, cell in composed.cells[label].items()
            }
            for label in labels
        },
        "budgets": {name: _bound_json(bound) for name, bound in composed.budgets.items()},
        "reduction": {label.value: _bound_json(composed.reduction[label]) for label in labels},
        "strict": {label.value: _said_json(label, composed.strict) for label in labels},
        **{name: _said_json(name, composed.switches) for name in ("require_zdr", "require_ner", "keep_payload")},
    }


def _bound_json(bound: Bound) -> dict[str, Any]:
    return {"characters": bound.characters, "origin": str(bound.said)}


def _said_json(key: Any, said: Mapping[Any, Any]) -> dict[str, Any]:
    return {"value": key in said, "origin": str(said.get(key, "default"))}


def _checked_json(checked: Checked, file: Path) -> dict[str, Any]:
    past = checked.past
    return {
        "schema": "hybridrag.policy_check/1",
        "file": str(file),
        "place": checked.place,
        "fingerprint": checked.fingerprint,
        "changes": [
            {
                "what": change.what,
                "label": change.label.value if change.label is not None else None,
                "before": change.before,
                "after": change.after,
                "stricter": change.stricter,
            }
            for change in checked.changes
        ],
        "past": None
        if past is None
        else {
            "requests": past.requests,
            "blocked": past.blocked,
            "tightened": past.tightened,
            "loosened": past.loosened,
            "types": dict(past.types),
        },
    }
