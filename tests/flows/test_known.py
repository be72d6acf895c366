"""What whole documents tell of the passages in them: kept at ingest, made good where it is missing or old."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from hybridrag.answering import passages_of
from hybridrag.errors import BlockedByPolicy
from hybridrag.flows.known import known_values
from hybridrag.ports import Detector
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.inspection import Inspector
from hybridrag.privacy.policy import Policy
from hybridrag.types import Inspection, Passage, Query, Span
from tests.flows.library import Library

ACCOUNT = "DE89 3704 0044 0532 0130 00"
FILLER = "\n\n".join(f"Paragraph {n} tells of the river, the bridge and the harbour in the valley." for n in range(60))
DOCUMENT = f"# Rent\n\nThe IBAN is {ACCOUNT}.\n\n{FILLER}\n\n## Zeppelin\n\nA zeppelin left the harbour."


@pytest.fixture
def library(tmp_path: Path, database_url: str, tiny_model: Path) -> Iterator[Library]:
    opened = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    yield opened
    opened.wiring.store.close()


class Ledgers:
    """Finds one word, and counts how often it was asked."""

    name = "ledgers"

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self.asked = 0

    def detect(self, text: str) -> Iterable[Span]:
        self.asked += 1
        at = text.find("harbour")
        return [Span(at, at + 7, "PLACE", "ledgers")] if at >= 0 else []


def inspector(*detectors: Detector) -> Inspector:
    return Inspector(detectors=[*builtin_detectors(), *detectors], strict=(), policy=Policy())


def passages(library: Library, question: str) -> list[Passage]:
    return passages_of(library.wiring.search(Query(question, mode="lexical", k=3)).hits)


def known(library: Library, found: Sequence[Passage], by: Inspector) -> dict[int, tuple[Span, ...]]:
    wiring = library.wiring
    return known_values(found, store=wiring.store, collection=wiring.collection(), inspector=by)


def inspection(library: Library) -> Inspection:
    """What is kept of the only document."""
    (row,) = library.rows()
    ((stands, kept),) = library.wiring.store.inspections(library.wiring.collection(), [(row["id"], 0, "# Rent")])
    assert stands
    assert kept is not None
    return kept


def test_offsets_are_those_of_the_passage(library: Library) -> None:
    library.write("rent.md", DOCUMENT)
    library.ingest()
    found = passages(library, "harbour bridge valley")
    assert len(found) == 3
    spans = known(library, found, inspector(Ledgers()))
    seen = [passage.text[s.start : s.end] for passage in found for s in spans[passage.marker] if s.type == "PLACE"]
    assert set(seen) == {"harbour"}
    assert len(seen) >= 3  # found once by the detector, in all places by its value


def test_ingest_searches_so_that_asking_does_not(library: Library) -> None:
    library.write("rent.md", DOCUMENT)
    library.ingest()
    (row,) = library.rows()
    kept = inspection(library)
    assert kept.fingerprint == library.wiring.privacy.inspector.fingerprint(row["document"].label)
    assert [DOCUMENT[s.start : s.end] for s in kept.spans if s.type == "IBAN"] == [ACCOUNT]


def test_what_others_searched_is_searched_again_and_kept(library: Library) -> None:
    library.write("rent.md", DOCUMENT)
    library.ingest()
    found = passages(library, "zeppelin")
    first, second, third = Ledgers(), Ledgers(), Ledgers("2")
    known(library, found, inspector(first))
    assert first.asked > 0
    known(library, found, inspector(second))
    assert second.asked == 0
    known(library, found, inspector(third))
    assert third.asked > 0


@pytest.mark.parametrize("changed", [None, "# Rent\n\nSomething else about the zeppelin."])
def test_a_document_that_changed_meanwhile_is_not_sent(library: Library, changed: str | None) -> None:
    library.write("rent.md", DOCUMENT)
    library.write("other.md", "Another document stays.")
    library.ingest()
    found = passages(library, "zeppelin")[:1]
    if changed is None:
        (library.folder / "rent.md").unlink()
    else:
        library.write("rent.md", changed)
    library.ingest()
    with pytest.raises(BlockedByPolicy, match=r"rent\.md was changed"):
        known(library, found, inspector(Ledgers()))


def test_a_changed_document_is_searched_anew(library: Library) -> None:
    library.write("rent.md", DOCUMENT)
    library.ingest()
    known(library, passages(library, "zeppelin"), inspector(Ledgers()))
    library.write("rent.md", DOCUMENT + "\n\nCard 4111 1111 1111 1111.")
    library.ingest()
    kept = inspection(library)
    assert "CARD" in {span.type for span in kept.spans}
    assert "PLACE" not in {span.type for span in kept.spans}
