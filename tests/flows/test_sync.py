"""Remembered sources are followed exactly, with no more work than the change needs, and never emptied by a fault."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hybridrag.errors import CollectionBusy, DocumentsFailed, ModelError, RefusedForSafety, UsageError
from hybridrag.flows.ingest import IngestOptions
from hybridrag.flows.ingest_report import IngestReport
from hybridrag.flows.progress import Silent
from hybridrag.flows.selection import SourceOptions
from hybridrag.parsing import GuardedParser
from hybridrag.sources import stamp
from hybridrag.sources.folder import FolderReader
from hybridrag.store.problems import open_problems
from hybridrag.store.runs import last_runs
from hybridrag.types import RawDocument
from tests.flows.library import Library, counts

TRAVEL = "# Travel\n\nThe meal allowance is 62 euros for a day of travel.\n"
LEAVE = "# Leave\n\nThe team lead approves days of leave.\n"


@pytest.fixture
def library(tmp_path: Path, database_url: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    old_enough(monkeypatch, 0)
    opened = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    opened.write("travel.md", TRAVEL)
    opened.write("hr/leave.md", LEAVE)
    yield opened
    opened.wiring.store.close()


def sync(library: Library, *names: str, **flags: Any) -> IngestReport:
    options = IngestOptions(apart=True, verb="sync", **flags)
    return library.wiring.ingesting.sync(library.wiring.collection(), names, options=options, progress=Silent())


def old_enough(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """So old a file must be for its stamp to be relied on."""
    monkeypatch.setattr(stamp, "_COARSEST_NS", int(seconds * 1e9))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files that were read."""
    paths: list[str] = []
    real = FolderReader.read

    def reading(self: FolderReader, entry: Any) -> Any:
        paths.append(entry.path)
        return real(self, entry)

    monkeypatch.setattr(FolderReader, "read", reading)
    return paths


def test_an_untouched_file_is_not_read(library: Library, read: list[str]) -> None:
    library.ingest()
    assert sorted(read) == ["hr/leave.md", "travel.md"]
    read.clear()
    assert counts(sync(library)) == {"unchanged": 2}
    assert read == []
    assert counts(sync(library, verify=True)) == {"unchanged": 2}
    assert sorted(read) == ["hr/leave.md", "travel.md"]

    read.clear()
    os.utime(library.folder / "travel.md", ns=(1, 1))  # another time, the same content: read, and then no more
    assert counts(sync(library)) == {"unchanged": 2}
    assert read == ["travel.md"]


def test_a_change_that_keeps_size_and_time_is_seen(library: Library) -> None:
    library.ingest()
    file = library.folder / "travel.md"
    before = file.stat()
    file.write_text(TRAVEL.replace("62", "75"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert counts(sync(library)) == {"updated": 1, "unchanged": 1}
    other = library.folder.parent / "other.md"
    shutil.copy2(file, other)
    other.write_text(TRAVEL.replace("62", "81"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)
    assert counts(sync(library)) == {"updated": 1, "unchanged": 1}


def test_a_young_file_is_read_again(library: Library, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been written once more within the same step of its clock."""
    old_enough(monkeypatch, 600)
    library.ingest()
    read.clear()
    assert counts(sync(library)) == {"unchanged": 2}
    assert sorted(read) == ["hr/leave.md", "travel.md"]
    old_enough(monkeypatch, 0)
    future = time.time_ns() + 10**14
    os.utime(library.folder / "travel.md", ns=(future, future))
    sync(library)
    read.clear()
    assert counts(sync(library)) == {"unchanged": 2}
    assert read == ["travel.md"], "a time that has not come yet says nothing"


def test_a_moved_folder_embeds_nothing(library: Library) -> None:
    for number in range(600):  # more than one batch
        library.write(f"many/{number:03}.md", f"# Number {number}\n\nThe travel policy of section {number}.\n")
    library.ingest()
    (library.folder / "many").rename(library.folder / "archive")
    report = sync(library, allow_mass_delete=True)
    assert counts(report) == {"added": 600, "removed": 600, "unchanged": 2}
    assert (report.moved, report.chunks_embedded, report.tokens_embedded) == (600, 0, 0)
    assert library.vectors() == 602


def test_what_moves_between_sources_embeds_nothing(library: Library, tmp_path: Path) -> None:
    other = tmp_path / "zebra"
    other.mkdir()
    (other / "hotel.md").write_text("# Hotel\n\nA night in germany.\n")
    (other / "price.md").write_text("# Price\n\nThe price of the release.\n")
    library.ingest(library.folder, other)
    (library.folder / "travel.md").rename(other / "travel.md")
    (other / "hotel.md").rename(library.folder / "hotel.md")
    report = sync(library)
    assert (report.moved, report.chunks_embedded) == (2, 0)
    assert counts(report) == {"added": 2, "removed": 2, "unchanged": 2}


def test_a_renamed_root_is_kept_until_its_new_place_is_told(library: Library) -> None:
    library.ingest()
    new = library.folder.rename(library.folder.with_name("papers"))
    report = sync(library)
    with pytest.raises(RefusedForSafety, match="is not there") as caught:
        report.check(strict=False)
    assert "sources add NEW --source docs -c " in caught.value.hint
    assert len(library.paths()) == 2

    collection, known = library.wiring.collection(), library.wiring.store.list_sources(library.wiring.collection())
    from hybridrag.flows.selection import select

    (selection,) = select([str(new)], [row["source"] for row in known], SourceOptions(name="docs"))
    library.wiring.store.save_source(collection, selection.source)
    moved = sync(library)
    moved.check(strict=True)
    assert counts(moved) == {"unchanged": 2}


def test_one_source_that_is_refused_does_not_keep_the_others_back(library: Library, tmp_path: Path) -> None:
    mount, gone = tmp_path / "mount", tmp_path / "gone"
    for folder in (mount, gone):
        folder.mkdir()
        for number in range(3):
            (folder / f"{number}.md").write_text(f"# Number {number}\n\nA page of {folder.name}.\n")
    library.ingest(library.folder, mount, gone)
    for file in mount.iterdir():
        file.unlink()
    shutil.rmtree(gone)
    library.write("travel.md", TRAVEL + "Changed.")
    report = sync(library)
    assert counts(report) == {"updated": 1, "unchanged": 1}
    assert sorted(each.source for each in report.refused) == ["gone", "mount"]
    with pytest.raises(RefusedForSafety, match="1 more"):
        report.check(strict=False)
    assert len(library.paths()) == 8
    collection = library.wiring.collection()
    assert last_runs(library.wiring.store.url, collection, most=1)[0].outcome == "refused"
    assert counts(sync(library, "mount", allow_mass_delete=True)) == {"removed": 3}
    with pytest.raises(UsageError, match="no source 'mont'"):
        sync(library, "mont")


def test_most_files_emptied_are_refused(library: Library) -> None:
    for number in range(30):
        library.write(f"many/{number}.md", f"# Number {number}\n\nA page of the policy.\n")
    library.ingest()
    for number in range(30):
        library.write(f"many/{number}.md", b"")
    with pytest.raises(RefusedForSafety, match="30 of the 32"):
        sync(library).check(strict=False)
    assert len(library.paths()) == 32


def test_fewer_may_vanish_from_a_root_on_another_device(library: Library) -> None:
    for number in range(38):
        library.write(f"many/{number}.md", f"# Number {number}\n\nA page of the policy.\n")
    library.ingest()
    for number in range(12):
        (library.folder / "many" / f"{number}.md").unlink()
    collection = library.wiring.collection()
    with library.wiring.store.ingest_run(collection) as run:
        run._connection.execute("update hybridrag.source set root_device = '1'")
    with pytest.raises(RefusedForSafety, match="on another device"):
        sync(library).check(strict=False)
    with library.wiring.store.ingest_run(collection) as run:
        run._connection.execute("update hybridrag.source set root_device = null")
    assert counts(sync(library)) == {"unchanged": 28, "removed": 12}


def test_a_root_that_cannot_be_listed_says_nothing_of_what_it_holds(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    library.ingest()
    before = library.wiring.store.list_sources(library.wiring.collection())
    scandir = os.scandir

    def stale(path: Any = ".") -> Any:
        if str(path).rstrip("/") == str(library.folder):
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", stale)
        report = sync(library, allow_mass_delete=True)
    with pytest.raises(DocumentsFailed, match="source docs could not be read"):
        report.check(strict=False)
    assert len(library.paths()) == 2
    after = library.wiring.store.list_sources(library.wiring.collection())
    assert after == before, "its age is told by when it was last looked at"


def test_what_vanishes_while_it_is_looked_at_stays_until_the_next_run(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.ingest()
    library.write("travel.md", TRAVEL + "Changed.")
    real = FolderReader.read

    def gone(self: FolderReader, entry: Any) -> Any:
        (library.folder / entry.path).unlink()
        return real(self, entry)

    with monkeypatch.context() as patched:
        patched.setattr(FolderReader, "read", gone)
        report = sync(library)
    report.check(strict=True)
    assert counts(report) == {"unchanged": 1, "skipped": 1}
    assert len(library.paths()) == 2
    assert counts(sync(library)) == {"unchanged": 1, "removed": 1}


def test_what_cannot_be_parsed_is_not_parsed_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    real = GuardedParser.parse

    def parse(self: GuardedParser, raw: RawDocument) -> Any:
        parsed.append(raw.path)
        return real(self, raw)

    monkeypatch.setattr(GuardedParser, "parse", parse)
    library.write("report.pdf", b"%PDF-1.4\nnothing more")
    library.ingest()
    url, collection = library.wiring.store.url, library.wiring.collection()
    (problem,) = open_problems(url, collection)
    assert (problem.uri, problem.failed) == ("docs/report.pdf", True)
    parsed.clear()
    again = sync(library)
    assert counts(again) == {"unchanged": 2, "failed": 1}
    assert (again.problems[0].reason, parsed) == (problem.reason, [])
    assert counts(sync(library, verify=True)) == {"unchanged": 2, "failed": 1}
    assert parsed == ["report.pdf"]
    assert open_problems(url, collection) == [problem], "known since then"
    library.write("report.pdf", b"%PDF-1.4\nother")
    sync(library)
    assert parsed == ["report.pdf"] * 2
    (library.folder / "report.pdf").unlink()
    assert counts(sync(library)) == {"unchanged": 2}
    assert open_problems(url, collection) == []


def test_a_dataset_that_is_untouched_is_not_listed(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [{"_id": f"q{number}", "text": f"The meal allowance of section {number}."} for number in range(5)]
    file = library.write("set.jsonl", "\n".join(map(json.dumps, [*lines, {"_id": "none", "text": ""}])))
    library.ingest(file)
    from hybridrag.sources.jsonl import JsonlReader

    with monkeypatch.context() as patched:
        patched.setattr(JsonlReader, "list", lambda self: pytest.fail("listed"))
        assert counts(sync(library)) == {"unchanged": 5, "skipped": 1}
    collection = library.wiring.collection()
    with library.wiring.store.ingest_run(collection) as run:
        (row,) = library.wiring.store.list_sources(collection)
        run.remove(row["id"], ["q1"])
    assert counts(sync(library)) == {"added": 1, "unchanged": 4, "skipped": 1}, "what was lost comes back"
    file.write_text("\n".join(map(json.dumps, lines[:4])))
    assert counts(sync(library)) == {"unchanged": 4, "removed": 1}


def test_runs_are_remembered_with_their_ends(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.ingest()
    url, collection = library.wiring.store.url, library.wiring.collection()
    report = sync(library)
    first, second = reversed(last_runs(url, collection, most=10))
    assert (first.verb, first.outcome, first.counts["added"]) == ("ingest", "done", 2)
    assert (second.id, second.verb, second.counts["unchanged"]) == (report.run_id, "sync", 2)
    assert (second.pid, second.seconds >= 0, second.age_seconds >= 0) == (os.getpid(), True, True)

    def end(error: BaseException) -> None:
        def fail(self: object, texts: Sequence[str]) -> Any:
            raise error

        library.write("travel.md", TRAVEL + str(type(error)) * 3)
        embedder = type(library.wiring.models.embedder(library.wiring.models.of(collection)))
        with monkeypatch.context() as patched:
            patched.setattr(embedder, "embed_documents", fail)
            with pytest.raises(type(error)):
                sync(library)

    end(ModelError("a vector is not a number"))
    end(KeyboardInterrupt())
    interrupted, failed = last_runs(url, collection, most=2)
    assert (interrupted.outcome, interrupted.message) == ("interrupted", None)
    assert (failed.outcome, failed.error, failed.message) == ("failed", "ModelError", "a vector is not a number")

    with library.wiring.store.ingest_run(collection) as run:
        with run.recorded("sync", "6f0d9a52-7e0e-5d57-9d0c-3f0b5a0a7c11", dict):
            assert last_runs(url, collection, most=1)[0].outcome == "running"
            with pytest.raises(CollectionBusy, match=rf"hybridrag sync, since 20.*process {os.getpid()} of .* on "):
                sync(library)
        # As a kill leaves it: without an end. And the clock was a day ahead.
        run._connection.execute(
            "update hybridrag.run set outcome = 'running', ended_at = null, started_at = started_at + interval '1 day'"
            " where id = '6f0d9a52-7e0e-5d57-9d0c-3f0b5a0a7c11'"
        )
    (broken,) = last_runs(url, collection, most=1)
    assert (broken.outcome, broken.seconds, broken.age_seconds) == ("broken off", 0, 0)
    library.write("travel.md", TRAVEL)
    sync(library)
    assert [run.outcome for run in last_runs(url, collection, most=2)] == ["done", "broken off"]


def test_stored_documents_can_be_chunked_again(library: Library) -> None:
    """Title, headings and text as stored give the same texts for the model, whatever the file held."""
    from hybridrag.types import Document, Heading

    odd = {"_id": "q", "title": "NUL \0 and \ud800 lone", "text": "The travel\0 policy.", "note": "a\0b"}
    library.write("set.jsonl", json.dumps(odd))
    library.write(
        "odd.md", "# NUL \0 inside \x85 it\n\nThe travel\0 policy.\n\n## \u2028Two\0\n\n" + "More of it. " * 300
    )
    library.ingest(library.folder, library.folder / "set.jsonl")
    collection = library.wiring.collection()
    chunker = library.wiring.models.chunker(library.wiring.models.of(collection))
    with library.wiring.store.snapshot("default") as snapshot:
        documents = snapshot.tx.execute("select * from document").fetchall()
        assert len(documents) == 4
        for row in documents:
            headings = tuple(Heading(*heading) for heading in row["headings"])
            stored = Document("s", "p", row["text"], row["title"], row["media_type"], b"", headings=headings)
            hashes = snapshot.tx.execute(
                "select text_hash from chunk where document_id = %s order by ordinal", (row["id"],)
            ).fetchall()
            assert [chunk.text_hash for chunk in chunker.chunk(stored)] == [bytes(each["text_hash"]) for each in hashes]
