"""A small corpus in two states: as it is first ingested, and after changes of every kind.

It has more than 256 chunks in one source, so that an ingest commits more than once. The small one is for tests that run
it hundreds of times: the first batch of an ingest holds 64 chunks, so it commits more than once too.
"""

from __future__ import annotations

import json
from pathlib import Path

RECORDS = 300
SMALL = 90
_TOPICS = ("travel", "leave", "security", "backup", "invoice", "release", "office", "password", "retention", "discount")


def write(root: Path) -> None:
    """The first state: `docs/` and `records.jsonl` below `root`."""
    _write_docs(root, guides=12, notes=12)
    _write_records(root, {number: _record(number, "hotel") for number in range(RECORDS)})


def change(root: Path) -> None:
    """The second state, from the first."""
    docs = root / "docs"
    for number in (1, 5, 7):
        (docs / "guides" / f"{number:02}.md").write_text(_guide(number, "five days"))
    (docs / "guides" / "11.md").rename(docs / "guides" / "moved.md")
    (docs / "guides" / "new.md").write_text(_guide(40, "nine days"))
    (docs / "note-03.txt").unlink()
    (docs / "note-04.txt").unlink()
    (docs / "note-05.txt").write_text("")
    _write_internal(docs, "local-only")
    records = {number: _record(number, "hotel" if number % 9 else "office") for number in range(6, RECORDS)}
    _write_records(root, records | {number: _record(number, "remote") for number in range(RECORDS, RECORDS + 20)})


def write_small(root: Path) -> None:
    """The first state with fewer files and records, but still more than one batch of them."""
    _write_docs(root, guides=4, notes=3)
    _write_records(root, {number: _record(number, "hotel") for number in range(SMALL)})


def change_small(root: Path) -> None:
    """The second state of the small corpus: changed, moved, new, gone and emptied files, another label, records."""
    docs = root / "docs"
    (docs / "guides" / "01.md").write_text(_guide(1, "five days"))
    (docs / "guides" / "03.md").rename(docs / "guides" / "moved.md")
    (docs / "guides" / "new.md").write_text(_guide(40, "nine days"))
    (docs / "note-00.txt").unlink()
    (docs / "note-01.txt").write_text("")
    _write_internal(docs, "local-only")
    records = {number: _record(number, "hotel" if number % 9 else "office") for number in range(6, SMALL)}
    _write_records(root, records | {number: _record(number, "remote") for number in range(SMALL, SMALL + 9)})


def _write_docs(root: Path, *, guides: int, notes: int) -> None:
    docs = root / "docs"
    (docs / "guides").mkdir(parents=True)
    for number in range(guides):
        (docs / "guides" / f"{number:02}.md").write_text(_guide(number, "three days"))
    for number in range(notes):
        (docs / f"note-{number:02}.txt").write_text(
            f"Note {number}: the {_topic(number)} team meets at {number} o'clock.\n"
        )
    _write_internal(docs, "confidential")


def _write_internal(docs: Path, label: str) -> None:
    (docs / "internal.md").write_text(f"---\nlabel: {label}\n---\n# Prices\n\nThe discount for a customer is secret.\n")


def _guide(number: int, days: str) -> str:
    topic = _topic(number)
    return (
        f"# Guide {number} to {topic}\n\nThis guide is for the {topic} team.\n\n"
        f"## Who approves it\n\nThe team lead approves {topic} number {number}.\n\n"
        f"## How long it takes\n\nIt takes {days} from the report to the manager.\n"
    )


def _record(number: int, place: str) -> dict[str, object]:
    return {
        "_id": f"r{number}",
        "title": f"Case {number}",
        "text": f"Case {number} is about {_topic(number)} at the {place}, night {number % 30}.",
        "priority": number % 3,
    }


def _write_records(root: Path, records: dict[int, dict[str, object]]) -> None:
    (root / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records.values()))


def _topic(number: int) -> str:
    return _TOPICS[number % len(_TOPICS)]
