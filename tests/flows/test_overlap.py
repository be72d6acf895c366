"""Batches are embedded and stored while others are prepared; an error in one of them stores nothing after it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hybridrag.errors import ModelError
from hybridrag.flows.stages import Stages
from hybridrag.ports import Embedder
from tests.flows.library import Library, counts

if TYPE_CHECKING:
    from hybridrag.types import Vectors

DOCUMENTS = 700
BAD = 600


class Failing:
    """An `Embedder` that fails for one document."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if any("pounds" in text for text in texts):
            raise ModelError("the vector of a text is not a number")
        return self._embedder.embed_documents(texts)


def test_after_an_error_nothing_more_is_stored(
    tmp_path: Path, database_url: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    names = [f"{number:04}.md" for number in range(DOCUMENTS)]
    for number, name in enumerate(names):
        word = "pounds" if number == BAD else "travel"
        library.write(name, f"The {word} policy of section {number} in the office.")
    open_embedder = library.wiring.models.embedder
    monkeypatch.setattr(library.wiring.models, "embedder", lambda spec: Failing(open_embedder(spec)))
    try:
        with pytest.raises(ModelError, match="not a number"):
            library.ingest()
        stored = library.paths()
        assert stored == names[: len(stored)]
        assert len(stored) <= BAD
        assert library.vectors() == len(stored)

        library.write(names[BAD], "The travel policy is mended.")
        assert counts(library.ingest()) == {"added": DOCUMENTS - len(stored), "unchanged": len(stored)}
        assert library.vectors() == DOCUMENTS
    finally:
        library.wiring.store.close()


def test_batches_that_share_a_text_embed_it_once(tmp_path: Path, database_url: str, tiny_model: Path) -> None:
    library = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    for number in range(DOCUMENTS):
        library.write(f"{number:04}/policy.md", f"# Policy\n\nThe travel policy of section {number % 7}.")
    try:
        report = library.ingest()
        assert counts(report) == {"added": DOCUMENTS}
        assert (report.chunks_added, report.chunks_embedded, report.chunks_reused) == (DOCUMENTS, 7, DOCUMENTS - 7)
        assert library.vectors() == 7
    finally:
        library.wiring.store.close()


def test_a_stage_counts_the_time_in_which_somebody_is_at_it() -> None:
    stages = Stages()
    inside, leave = threading.Barrier(3), threading.Event()

    def work() -> None:
        with stages.timed("embed"):
            inside.wait()
            leave.wait()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait()
    assert stages.seconds["embed"] == 0  # nobody has left it yet
    leave.set()
    for thread in threads:
        thread.join()
    once = stages.seconds["embed"]
    assert once > 0
    with stages.timed("store"):
        pass
    assert stages.seconds["embed"] == once
    assert stages.seconds["store"] > 0
