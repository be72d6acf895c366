"""`hybridrag ledger list|show|verify|head|export|prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from hybridrag.flows.ledger import Book

app = typer.Typer(
    help="What left this machine. No values are in it; it works without a database.", no_args_is_help=True
)

_SINCE = typer.Option("--since", metavar="WHEN", help="Not before: 12h, 7d, 2w, or a date such as 2025-01-31 (UTC).")
_MOST_PROBLEMS = 20


@app.command("list")
def list_(
    context: typer.Context,
    since: Annotated[str | None, _SINCE] = None,
    outcome: Annotated[
        str | None, typer.Option("--outcome", metavar="NAME", help="sent, failed, retried, blocked or unfinished.")
    ] = None,
    provider: Annotated[str | None, typer.Option("--provider", metavar="NAME", help="Only to this one.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", metavar="N", min=1, help="As many at most.")] = 20,
) -> int:
    """Shows the requests that left or were blocked, the latest first.

    Example: hybridrag ledger list --since 7d --outcome blocked
    """
    from hybridrag.cli.ledger_shown import print_entries
    from hybridrag.errors import UsageError
    from hybridrag.flows.moments import moment
    from hybridrag.privacy.ledger.reading import OUTCOMES

    if outcome is not None and outcome not in OUTCOMES:
        raise UsageError(f"no request ends as {outcome!r}", hint=f"one of {', '.join(OUTCOMES)}")
    session, book = _opened(context)
    first = moment(since) if since is not None else None
    found = book.entries(count=count, since=first, outcome=outcome or "", provider=provider or "")
    if session.flags.json:
        entries = [entry.facts() for entry in found]
        session.json({"schema": "hybridrag.ledger/1", "entries": entries})
    elif found:
        print_entries(found)
    else:
        session.notice("nothing of that kind is in the ledger" if book.begun else "nothing has left: no ledger yet")
    _tell_faults(session, book)
    return 0


@app.command("show")
def show(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="An id as `ledger list` shows it, or its beginning.")],
    payload: Annotated[
        bool, typer.Option("--payload", help="The redacted request itself, where it was kept, checked by its hash.")
    ] = False,
) -> int:
    """Shows all that was recorded of one request.

    Examples: hybridrag ledger show 3f2a      hybridrag ledger show 3f2a --payload
    """
    from hybridrag.cli.ledger_shown import print_entry, print_payload

    session, book = _opened(context)
    found = book.find(entry)
    body = book.payload(found) if payload else None
    if session.flags.json:
        told = {"schema": "hybridrag.ledger_entry/1", **found.facts()}
        session.json(told if body is None else {**told, "payload": body.decode("utf-8", "replace")})
    elif body is None:
        print_entry(found)
    else:
        print_payload(body)
        session.notice(f"{len(body):,} bytes, with the SHA-256 of the ledger: {found.intent['payload_sha256']}")
    _tell_faults(session, book)
    return 0


@app.command("verify")
def verify(
    context: typer.Context,
    anchor: Annotated[
        list[str] | None,
        typer.Option("--anchor", metavar="SEQ:MAC|FILE", help="A head noted earlier, or a file with one on each line."),
    ] = None,
) -> int:
    """Finds entries that were changed, removed, reordered, repeated or put in, and an end that was cut off.

    Exit code 7 where anything is wrong: then nothing is sent either.

    Example: hybridrag ledger verify --anchor heads.txt
    """
    from hybridrag.cli.ledger_shown import print_verification, verification_json
    from hybridrag.errors import BlockedByPolicy
    from hybridrag.flows.ledger import anchors

    session, book = _opened(context)
    found = book.verify([head for text in anchor or () for head in anchors(text)])
    if session.flags.json:
        session.json({"schema": "hybridrag.ledger_verification/1", **verification_json(found)})
    elif found.ok:
        print_verification(found, begun=book.begun)
    if not found.ok:
        more = len(found.problems) - _MOST_PROBLEMS
        shown = found.problems[:_MOST_PROBLEMS] + ((f"and {more} more",) if more > 0 else ())
        raise BlockedByPolicy(
            f"The ledger {book.path} is not as it was written.",
            hint="Keep it as evidence. To send again, move ledger.jsonl and ledger.head aside; a new one begins.",
            shown=shown,
        )
    return 0


@app.command("head")
def head(context: typer.Context) -> int:
    """Prints the end of the chain as SEQ:MAC, to be noted elsewhere.

    Kept where this machine cannot change it, it shows later whether anything was
    cut off: `ledger verify --anchor` takes heads, and files of them.

    Example: hybridrag ledger head >> /mnt/elsewhere/heads.txt
    """
    import sys

    from hybridrag.errors import BlockedByPolicy

    session, book = _opened(context)
    found = book.verify()
    if not found.ok:
        raise BlockedByPolicy(
            f"The ledger {book.path} is not as it was written; its head is worth nothing.",
            hint="`hybridrag ledger verify` tells what is wrong.",
        )
    if session.flags.json:
        session.json({"schema": "hybridrag.ledger_head/1", "seq": found.head.seq, "mac": found.head.mac})
    else:
        sys.stdout.write(f"{found.head}\n")
        session.notice("keep it elsewhere; later: hybridrag ledger verify --anchor SEQ:MAC")
    return 0


@app.command("export")
def export(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="Where to; stdout unless given.")] = "-",
    since: Annotated[str | None, _SINCE] = None,
) -> int:
    """Writes the ledger's lines as they stand: JSON Lines, the oldest first, each with its place in the chain.

    Example: hybridrag ledger export --since 30d ledger-november.jsonl
    """
    from hybridrag.cli.ledger_shown import export_lines
    from hybridrag.flows.moments import moment

    session, book = _opened(context)
    lines = book.lines(since=moment(since) if since is not None else None)
    written = export_lines(lines, file)
    if file == "-":
        return 0
    if session.flags.json:
        session.json({"schema": "hybridrag.ledger_export/1", "file": file, "lines": written})
    else:
        session.notice(f"{written:,} lines in {file}")
    return 0


@app.command("prune")
def prune(
    context: typer.Context,
    keep_days: Annotated[int, typer.Option("--keep-days", metavar="N", min=1, help="Younger requests stay.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> int:
    """Removes old requests with their payloads.

    A signed line that says how many there were takes their place, and the rest
    verifies as before. With ledger.retention_days in your own settings it is done
    by itself, once a day.

    Example: hybridrag ledger prune --keep-days 365
    """
    from hybridrag.cli.ledger_shown import confirmed, counted

    session, book = _opened(context)
    planned = book.prune(keep_days=keep_days, rehearsal=True)
    if planned.lines and not yes and not confirmed(counted(planned.requests), keep_days=keep_days):
        session.notice("nothing was removed")
        return 0
    done = book.prune(keep_days=keep_days, rehearsal=False) if planned.lines else planned
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.ledger_prune/1",
                "requests": done.requests,
                "lines": done.lines,
                "payloads": done.payloads,
            }
        )
    elif done.lines:
        kept = f", and {done.payloads:,} payloads" if done.payloads else ""
        session.notice(f"removed {counted(done.requests)} older than {keep_days} days{kept}")
    else:
        session.notice(f"nothing in the ledger is older than {keep_days} days")
    return 0


def _opened(context: typer.Context) -> tuple[Session, Book]:
    from hybridrag.flows.ledger import Book

    session = Session.of(context)
    return session, Book(session.settings.paths.data)


def _tell_faults(session: Session, book: Book) -> None:
    if book.faults:
        session.notice(
            f"left out {book.faults} lines that were changed, or made with another key: hybridrag ledger verify"
        )
