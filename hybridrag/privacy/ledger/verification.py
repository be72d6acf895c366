"""Whether the ledger is as it was written: every line, their order, and where they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ledger.chain import START, Head, Record, chain_key, forward, genuine, head_after, record_of
from hybridrag.privacy.ledger.heads import HeadRecord
from hybridrag.privacy.ledger.reading import snapshot


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found: the chain's head, how many requests it holds, and a line for each fault. `ok` means none.

    `unfinished` are the ids of requests without an outcome: still running, or killed. `checkpoint` is the line that
    stands for what was pruned; `before` are the anchors that lie before it, which cannot be looked up any more. `torn`
    are the bytes of a last line that a crash left unfinished: no request was sent for it, and the next one cuts it off.
    """

    head: Head
    requests: int
    problems: tuple[str, ...]
    unfinished: tuple[str, ...] = ()
    checkpoint: Record | None = None
    before: tuple[Head, ...] = ()
    torn: int = 0

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(path: Path, *, key: bytes, anchors: Sequence[Head] = ()) -> Verification:
    """Reads the whole chain. Finds lines that were changed, removed, reordered, repeated or put in, and a cut tail
    where the head record or one of the `anchors` says that there was more.

    An absent file is an empty chain. Raises OSError if a file cannot be read.
    """
    heads = HeadRecord(path.with_suffix(".head"), key=key)
    problems: list[str] = []
    recorded = _recorded(heads, problems)  # before the lines: a record never leads
    with snapshot(path) as (descriptor, end, torn):
        if recorded is None and end and not problems:
            recorded = _recorded(heads, problems)  # perhaps the first line was being written
            if recorded is None:
                problems.append(f"the head record {heads.path} is missing: whether the end was cut off cannot be told")
        lines = forward(descriptor, end)
        found = examine(lines, key=chain_key(key), recorded=recorded, anchors=anchors, problems=problems)
        return replace(found, torn=torn)


def examine(
    lines: Iterable[bytes],
    *,
    key: bytes,
    recorded: Head | None,
    anchors: Sequence[Head] = (),
    problems: Sequence[str] = (),
) -> Verification:
    """The same for the lines of a chain, with the chain's own key. `recorded` is what the head record says."""
    walk = _Walk(key, [head for head in (recorded, *anchors) if head is not None])
    for line in lines:
        walk.take(line)
    found = [*problems, *walk.problems]
    first = walk.checkpoint["seq"] if walk.checkpoint is not None else 0
    before = tuple(anchor for anchor in anchors if anchor.seq < first)
    if recorded is not None and recorded not in walk.met:
        found.append(
            f"the head record says that {recorded.seq} entries were written, and the chain does not lead there: its "
            "end was cut off or rewritten, or an old copy was put back"
        )
    found += [
        f"the anchored head {anchor.seq}:{anchor.mac[:8]}... is not in the chain: its end was cut off or rewritten"
        for anchor in anchors
        if anchor not in walk.met and anchor not in before
    ]
    return Verification(walk.head, walk.requests, tuple(found), tuple(walk.open), walk.checkpoint, before)


class _Walk:
    """One pass over the lines. `met` are those of the heads looked for that the chain passed through."""

    def __init__(self, key: bytes, sought: Iterable[Head]) -> None:
        self._key = key
        self._sought = frozenset(sought)
        self._number = 0
        self.head = START
        self.met = {START}
        self.requests = 0
        self.open: dict[str, None] = {}
        self.checkpoint: Record | None = None
        self.problems: list[str] = []

    def take(self, line: bytes) -> None:
        self._number += 1
        record = genuine(line, key=self._key)
        if record is None:
            self._fault("was changed, or made with another key")
            # Go on as if it were the line that stood here, so that one change is told once.
            told = record_of(line)
            self.head = Head(self.head.seq + 1, told["mac"] if told is not None else "")
            return
        if record["kind"] == "checkpoint":
            self._take_checkpoint(record)
        else:
            self.problems.extend(self._misplaced(record))
            self._settle(record)
        self.head = head_after(record)
        if self.head in self._sought:
            self.met.add(self.head)

    def _take_checkpoint(self, record: Record) -> None:
        if self._number > 1:
            self._fault("is a checkpoint, which only the first line can be")
        self.checkpoint = record

    def _misplaced(self, record: Record) -> Iterator[str]:
        if record["seq"] != self.head.seq + 1:
            yield f"line {self._number}: entry {record['seq']} follows entry {self.head.seq}"
        elif record["prev"] != self.head.mac:
            yield f"line {self._number}: does not continue the line before"

    def _settle(self, record: Record) -> None:
        entry = record["entry"]
        if record["kind"] == "intent":
            self.requests += 1
            self.open[entry] = None
        elif entry in self.open:
            del self.open[entry]
        else:
            self._fault("is an outcome without its intent")

    def _fault(self, what: str) -> None:
        self.problems.append(f"line {self._number}: {what}")


def _recorded(heads: HeadRecord, problems: list[str]) -> Head | None:
    try:
        return heads.read()
    except BlockedByPolicy as exc:
        problems.append(exc.message)
        return None
