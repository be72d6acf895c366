"""Promotion: which generation serves, the way back, and when an old one goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hybridrag.errors import BelowBaseline, CollectionBusy, UsageError
from hybridrag.types import Collection, GenerationStatus

if TYPE_CHECKING:
    from hybridrag.store.generations import Generations, Lacking

GRACE = timedelta(days=7)
"""How long a retired generation stays: as long, there is a way back."""
_TRIES = 5
"""Times that a generation is brought up to date before it counts as never being so."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Generations by what became of them: `dropped`, or `kept` until the grace period of each is over."""

    dropped: tuple[GenerationStatus, ...]
    kept: tuple[tuple[GenerationStatus, datetime], ...]


def candidate(found: Sequence[GenerationStatus], number: int | None = None) -> GenerationStatus:
    """The generation that a person means: by its number, or the newest that is built beside the active one.

    Raises UsageError where there is none.
    """
    if number is not None:
        for status in found:
            if status.generation.id == number:
                return status
        raise UsageError(f"there is no generation {number}", hint="hybridrag reindex status shows them")
    built = [status for status in found if status.generation.state in ("building", "ready")]
    if not built:
        raise UsageError(
            "no generation is being built beside the active one", hint="begin one: hybridrag reindex start --embedder M"
        )
    return built[-1]


def previous(found: Sequence[GenerationStatus]) -> GenerationStatus:
    """The generation that served before the active one was promoted; the active one itself where a rollback did that.

    A rollback whose end nobody learnt of is run again, and must not go forward then: once an earlier generation serves
    again, only a promotion changes that. Raises UsageError where there is no earlier one any more.
    """
    retired = [status for status in found if status.generation.state == "retired" and status.retired_at is not None]
    active = next(status for status in found if status.generation.state == "active")
    if any(_promoted(status) > _promoted(active) for status in retired):
        return active
    if not retired:
        raise UsageError(
            "there is no earlier generation to go back to",
            hint="it is gone with its grace period, or nothing was ever promoted",
        )
    return max(retired, key=_retired)


def promote(
    generations: Generations,
    collection: Collection,
    chosen: GenerationStatus,
    *,
    catch_up: Callable[[Lacking], None],
    share: int | None = None,
    force: bool = False,
    back: bool = False,
) -> None:
    """Has a generation serve, or answer a `share` of the questions, in per cent.

    What changed since it was complete is brought in first, by `catch_up`; `back` says that this takes a promotion back.
    Raises UsageError for one that is not yet built, BelowBaseline where its last gate was not passed, unless `force`,
    and CollectionBusy.
    """
    number = chosen.generation.id
    if chosen.generation.state == "building":
        raise UsageError(
            f"generation {number} is not yet complete: {chosen.waiting_documents:,} documents and "
            f"{chosen.waiting_texts:,} texts are waiting",
            hint="hybridrag reindex work brings them in",
        )
    if chosen.gate is not None and not chosen.gate.get("passed") and not force:
        first = next(iter(chosen.gate.get("reasons", ())), "no reason is kept")
        raise BelowBaseline(
            f"generation {number} did not pass its gate: {first}; nothing was changed",
            hint="put it to the gate again (hybridrag reindex run --gate FILE), or promote it with --force",
        )
    for _ in range(_TRIES):
        if share is None:
            lacking = generations.promote(collection, number, back=back)
        else:
            lacking = generations.share(collection, number, share)
        if not lacking:
            return
        catch_up(lacking)
    raise CollectionBusy(
        f"documents of {collection.name!r} change faster than generation {number} follows",
        hint="try again when less is written to it; nothing was changed",
    )


def overdue(found: Sequence[GenerationStatus], *, grace: timedelta = GRACE, now: datetime | None = None) -> Collected:
    """Which retired generations have stayed as long as they should. One that was retired in the future stays."""
    now = now or datetime.now(UTC)
    retired = [status for status in found if status.generation.state == "retired" and status.retired_at is not None]
    dropped = tuple(status for status in retired if _retired(status) + grace <= now)
    kept = tuple((status, _retired(status) + grace) for status in retired if status not in dropped)
    return Collected(dropped, kept)


def _promoted(status: GenerationStatus) -> datetime:
    """When it was promoted; long ago where it served from the beginning."""
    return status.promoted_at or datetime.min.replace(tzinfo=UTC)


def _retired(status: GenerationStatus) -> datetime:
    assert status.retired_at is not None  # of a retired one
    return status.retired_at
