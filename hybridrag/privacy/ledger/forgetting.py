"""Forgetting a document: the kept requests that held passages of it go; the chain, which holds no text, stays whole."""

from __future__ import annotations

from collections.abc import Set

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ledger.budgets import shares_of
from hybridrag.privacy.ledger.chain import Record, forward, genuine
from hybridrag.privacy.ledger.journal import Held, Journal
from hybridrag.privacy.ledger.payloads import Payloads


def forget_payloads(journal: Journal, payloads: Payloads, documents: Set[str], *, rehearsal: bool) -> int:
    """Removes the payloads of requests that held anything of documents, given by their hashes; returns how many.

    So go payloads without a request, which a crash left: nobody can tell what they hold. A rehearsal only counts.
    Raises BlockedByPolicy where the ledger cannot be believed, and OSError.
    """
    kept = payloads.kept()
    if not kept:
        return 0
    with journal.hold() as held:
        kept = payloads.kept()  # what is written beside an entry is written while the ledger is held
        staying = {record["entry"] for record in _intents(journal, held) if not _held_in(record) & documents}
        gone = kept - staying
        if gone and not rehearsal:
            payloads.drop_all_but(staying)
        return len(gone)


def _intents(journal: Journal, held: Held) -> list[Record]:
    records = []
    for number, line in enumerate(forward(held.descriptor, held.end), start=1):
        record = genuine(line, key=journal.key)
        if record is None:
            raise BlockedByPolicy(
                f"Line {number} of the ledger {journal.path} was changed, so it cannot tell which of the kept requests "
                "held the document.",
                hint="`hybridrag ledger verify` tells all of it. Move the ledger, its head record and payloads/ aside "
                "together, and remove them when they are no evidence any more.",
            )
        if record["kind"] == "intent":
            records.append(record)
    return records


def _held_in(intent: Record) -> set[str]:
    """The hashes of all documents that a request held anything of, by its passages or by what was said before."""
    return {*map(str, intent.get("documents") or ()), *shares_of(intent)}
