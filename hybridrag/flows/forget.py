"""Forget: a document goes from wherever the program keeps anything of it, and what was done is told.

What is outside the database goes before it and again after it, so that a run that was killed is completed by the same
one again, and what was said or sent meanwhile goes too.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, Protocol

from hybridrag.flows.leftovers import leftovers, sweep
from hybridrag.flows.sampled import keep_sample

if TYPE_CHECKING:
    from hybridrag.store.forgetting import Forgettable, Forgetting
    from hybridrag.store.rewriting import Rewriting, Rewritten
    from hybridrag.store.writing import IngestRun

Whereabouts = Literal["kept out", "offered", "gone"]

OUT_OF_REACH = (
    "backups, replicas, snapshots of disks or machines, and archives of the write-ahead log",
    "files made of the index: reports of `eval`, exported vectors, exported ledgers, generated questions",
    "what was sent to providers: `hybridrag ledger list` tells what left",
    "conversations and kept requests of other users and machines on the same database: run it there too",
    "blocks of the disk that deleted files occupied",
)
"""Where nothing can be removed from here."""


class Beside(Protocol):
    """What is kept beside the database."""

    def forget(self, documents: Sequence[Forgettable], *, rehearsal: bool) -> Mapping[str, int]:
        """Removes what it holds of documents, and returns how much of what; a rehearsal only counts.

        Raises HybridragError where it cannot tell, with nothing changed under `rehearsal`.
        """


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one document. `file` is where it still lies on this machine; None where it does not."""

    uri: str
    id: str
    indexed: bool
    source: Whereabouts
    file: str | None


@dataclass(slots=True)
class Forgotten:
    """What a forget did, or would do. `removed` counts by place; `left` tells what could not be removed."""

    collection: str
    dry_run: bool
    at: datetime
    documents: list[Told] = field(default_factory=list)
    removed: Counter[str] = field(default_factory=Counter)
    purged: Rewritten | None = None
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Options:
    """`keep_out` has sources leave a document out from now on; `purge` rewrites the files of the database."""

    keep_out: bool = True
    purge: bool = False
    dry_run: bool = False


def forget(
    documents: Sequence[Forgettable],
    *,
    run: IngestRun,
    tables: Forgetting,
    beside: Sequence[Beside],
    rewriting: Rewriting,
    own_server: bool,
    options: Options,
    notify: Callable[[str], None],
) -> Forgotten:
    """Forgets documents of the collection that `run` holds. Raises before anything is changed where a place outside the
    database cannot be looked into."""
    done = Forgotten(run.collection.name, options.dry_run, datetime.now(UTC))
    places: dict[Forgettable, Whereabouts] = {each: whereabouts(each, options) for each in documents}
    changes = {
        "left_out": [each for each, place in places.items() if place == "kept out"],
        "gone": [each for each, place in places.items() if place == "gone"],
    }
    done.documents = [_told(each, place) for each, place in places.items()]
    planned: Counter[str] = Counter()
    for place in beside:
        planned.update(place.forget(documents, rehearsal=True))
    folders = leftovers()
    done.removed["temporary_folders"] = len(folders)
    if options.dry_run:
        done.removed.update({**planned, **tables.forget(documents, **changes, rehearsal=True)})
        return done
    done.removed.update(_remove(documents, beside))
    sweep(folders)
    done.removed.update(tables.forget(documents, **changes, rehearsal=False))
    done.removed.update(_remove(documents, beside))
    done.removed["lexical_indexes"] = tables.compact()
    run.settle(notify)
    if run.lacks_sample():
        keep_sample(run)
    if options.purge:
        done.purged = rewriting.rewrite(own_server=own_server)
        done.left += done.purged.left
    else:
        done.left += rewriting.renew_statistics()
    return done


def file_of(document: Forgettable) -> Path | None:
    """Where a document still lies on this machine, as far as that can be seen; None where it does not.

    Of a file with many documents, an archive say, it is that file: whether it still holds this one is not looked at.
    """
    if document.kind == "jsonl":
        return Path(document.root) if os.path.lexists(document.root) else None
    if document.kind != "folder":
        return None
    place = Path(document.root, document.path)
    if os.path.lexists(place):
        return place
    above = [Path(document.root, parent) for parent in PurePosixPath(document.path).parents][:-1]
    return next((parent for parent in above if parent.is_file()), None)


def whereabouts(document: Forgettable, options: Options) -> Whereabouts:
    """What a source does with a document from now on. One whose place cannot be seen from this machine may offer it; a
    rule can leave out a file or a page, and no line of a file."""
    if document.kind == "web":
        return "kept out" if options.keep_out else "offered"  # its pages were given one by one
    if document.kind not in {"folder", "jsonl"}:
        return "gone"
    seen = Path(document.root).is_dir() if document.kind == "folder" else os.path.lexists(document.root)
    if seen and file_of(document) is None:
        return "gone"
    can_be_kept_out = document.kind == "folder" or document.path in document.only
    return "kept out" if options.keep_out and can_be_kept_out else "offered"


def _remove(documents: Sequence[Forgettable], beside: Sequence[Beside]) -> Counter[str]:
    removed: Counter[str] = Counter()
    for place in beside:
        removed.update(place.forget(documents, rehearsal=False))
    return removed


def _told(document: Forgettable, source: Whereabouts) -> Told:
    file = file_of(document)
    return Told(document.uri, str(document.id), document.indexed, source, str(file) if file is not None else None)
