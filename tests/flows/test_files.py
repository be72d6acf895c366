"""Archives, mailboxes and messages are folders of documents, and are opened again only when something has changed."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest

from hybridrag.flows import files
from hybridrag.flows.freshness import freshness
from hybridrag.flows.naming import named
from hybridrag.flows.places import local_file
from hybridrag.flows.selection import SourceOptions
from hybridrag.parsing import GuardedParser
from hybridrag.sources import stamp
from hybridrag.store.origins import origins
from hybridrag.types import Member, RawDocument, Skipped, Source
from tests.flows.library import Library, counts

TRAVEL = "# Travel\n\nThe meal allowance is 62 euros for a day of travel.\n"
LEAVE = "# Leave\n\nThe team lead approves days of leave.\n"
OFFER = "# Offer\n\nTwelve crates of pears cost 90 euros.\n"


@pytest.fixture
def library(tmp_path: Path, database_url: str, tiny_model: Path) -> Iterator[Library]:
    opened = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    opened.write("plain.md", "# Plain\n\nA file of its own.\n")
    yield opened
    opened.wiring.store.close()


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(files: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return made.getvalue()


def message(text: str, attachments: Mapping[str, str]) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "ann@example.com", "bob@example.com", "The offer"
    made.set_content(text)
    for name, content in attachments.items():
        made.add_attachment(content, filename=name, subtype="markdown")
    return made.as_bytes()


def test_an_archive_is_a_folder(library: Library) -> None:
    library.write(
        "old.zip", zipped({"rules/travel.md": TRAVEL, "leave.md": LEAVE, "inner.tgz": tarred({"o.md": OFFER})})
    )
    library.write("note.txt.gz", gzip.compress(b"A note that was put away."))
    report = library.ingest()
    assert counts(report) == {"added": 5}
    assert library.paths() == [
        "note.txt.gz/note.txt",
        "old.zip/inner.tgz/o.md",
        "old.zip/leave.md",
        "old.zip/rules/travel.md",
        "plain.md",
    ]
    assert library.found("meal allowance")[0] == "old.zip/rules/travel.md"
    again = library.ingest()
    assert counts(again) == {"unchanged": 5}
    assert again.chunks_added == 0


def test_only_what_changed_inside_is_parsed_and_what_is_gone_goes(library: Library) -> None:
    library.write("old.zip", zipped({"travel.md": TRAVEL, "leave.md": LEAVE}))
    library.ingest()
    library.write("old.zip", zipped({"travel.md": TRAVEL + "\nA hotel costs 90 euros.\n", "offer.md": OFFER}))
    assert counts(library.ingest()) == {"added": 1, "updated": 1, "unchanged": 1, "removed": 1}
    assert library.paths() == ["old.zip/offer.md", "old.zip/travel.md", "plain.md"]
    (library.folder / "old.zip").unlink()
    assert counts(library.ingest()) == {"unchanged": 1, "removed": 2}
    library.write("old.zip", zipped({"travel.md": TRAVEL}))
    assert counts(library.ingest()) == {"added": 1, "unchanged": 1}


def test_an_archive_that_can_no_longer_be_read_keeps_what_was_indexed_of_it(library: Library) -> None:
    whole = zipped({"travel.md": TRAVEL, "leave.md": LEAVE})
    library.write("old.zip", whole)
    library.ingest()
    library.write("old.zip", whole[: len(whole) // 2])
    for _ in range(2):
        report = library.ingest()
        assert report.failed == 1
        assert [problem.uri for problem in report.problems] == ["docs/old.zip"]
        assert "broken" in report.problems[0].reason
        assert library.paths() == ["old.zip/leave.md", "old.zip/travel.md", "plain.md"]
    library.write("old.zip", zipped({"leave.md": LEAVE}))
    assert counts(library.ingest()) == {"unchanged": 2, "removed": 1}


def test_names_that_lead_out_links_and_hidden_files_are_not_documents(library: Library) -> None:
    names = ("../out.md", "/etc/passwd.md", "C:\\windows.md", "a/../../b.md", ".git/config.md", "__MACOSX/x.md")
    good: dict[str, str | bytes] = {"good\\sub.md": LEAVE, "picture.exe": b"MZ\0\0", "empty.md": ""}
    library.write("bad.zip", zipped({**dict.fromkeys(names, TRAVEL), **good}))
    report = library.ingest()
    assert library.paths() == ["bad.zip/good/sub.md", "plain.md"]
    assert report.failed == 4
    assert {problem.reason for problem in report.problems if problem.failed} == {
        "its name leads out of the file it lies in"
    }
    assert sorted(problem.uri for problem in report.problems if not problem.failed) == [
        "docs/bad.zip/empty.md",
        "docs/bad.zip/picture.exe",
    ]


def test_filters_and_labels_reach_inside(library: Library) -> None:
    library.write("old.zip", zipped({"travel.md": TRAVEL, "drafts/leave.md": LEAVE}))
    library.ingest(options=SourceOptions(exclude=("drafts/",)))
    assert library.paths() == ["old.zip/travel.md", "plain.md"]
    assert counts(library.ingest(options=SourceOptions(exclude=("travel.md",)))) == {
        "added": 1,
        "unchanged": 1,
        "removed": 1,
    }
    assert library.paths() == ["old.zip/drafts/leave.md", "plain.md"]


def test_a_message_comes_with_its_attachments(library: Library) -> None:
    library.write("mail/offer.eml", message("See the offer.", {"offer.md": OFFER, "leave.md": LEAVE}))
    assert counts(library.ingest()) == {"added": 4}
    assert library.paths() == ["mail/offer.eml", "mail/offer.eml/leave.md", "mail/offer.eml/offer.md", "plain.md"]
    assert counts(library.ingest()) == {"unchanged": 4}
    library.write("mail/offer.eml", message("See the offer, once more.", {"offer.md": OFFER}))
    assert counts(library.ingest()) == {"updated": 1, "unchanged": 2, "removed": 1}


def test_what_lies_in_an_archive_is_found_where_the_archive_is(library: Library) -> None:
    library.write("old.zip", zipped({"travel.md": TRAVEL}))
    library.ingest()
    collection = library.wiring.collection()
    row = next(row for row in library.rows() if row["path"] == "old.zip/travel.md")
    origin = origins(library.environ["HYBRIDRAG_DATABASE_URL"], collection, [row["id"]])[row["id"]]
    assert local_file(origin) == str(library.folder / "old.zip")
    assert (freshness([origin]).missing, freshness([origin]).changed) == ((), ())
    (library.folder / "old.zip").unlink()
    assert freshness([origin]).missing == ("docs/old.zip/travel.md",)


def test_forgetting_a_message_means_its_attachments_too() -> None:
    indexed = {("mail", path): f"mail/{path}" for path in ("a.eml", "a.eml/offer.pdf", "a.eml.txt", "b.eml")}
    sources = [Source("mail", "folder", "/mail")]
    found = named("mail/a.eml", sources, indexed, {("mail", "a.eml")})
    assert (found.documents, found.holder) == ([("mail", "a.eml"), ("mail", "a.eml/offer.pdf")], None)


def test_files_in_files_in_files_end(library: Library) -> None:
    content = zipped({"deepest.md": TRAVEL})
    for depth in range(6):
        content = zipped({f"{depth}.zip": content})
    library.write("deep.zip", content)
    report = library.ingest()
    assert library.paths() == ["plain.md"]
    assert [problem.reason for problem in report.problems] == ["lies more than 3 files deep in other files"]


def test_what_lies_in_an_archive_is_not_read_by_itself(library: Library) -> None:
    archive = library.write("old.zip", zipped({"travel.md": TRAVEL}))
    library.ingest()
    (problem,) = library.ingest(archive / "travel.md").problems
    assert (problem.uri, problem.hint) == ("docs/old.zip/travel.md", "Name the file that it lies in.")
    assert library.paths() == ["old.zip/travel.md", "plain.md"]


def test_a_dry_run_looks_inside(library: Library) -> None:
    library.write("old.zip", zipped({"travel.md": TRAVEL, "leave.md": LEAVE}))
    assert counts(library.ingest(dry_run=True)) == {"added": 3}


def test_standard_input_may_be_an_archive(library: Library) -> None:
    content = zipped({"travel.md": TRAVEL})
    report = library.ingest(Path("-"), stdin=content, stdin_name="today.zip")
    assert counts(report) == {"added": 1}
    assert library.paths() == ["today.zip/travel.md"]


def test_an_archive_may_become_a_folder_a_text_or_nothing_and_again_an_archive(library: Library) -> None:
    archive = zipped({"travel.md": TRAVEL, "leave.md": LEAVE})
    both, old = ["old/leave.md", "old/travel.md", "plain.md"], library.folder / "old"

    def become(content: str | bytes) -> list[str]:
        library.write("old", content)
        library.ingest()
        return library.paths()

    assert become(archive) == both
    old.unlink()
    library.write("old/travel.md", TRAVEL)
    library.write("old/leave.md", LEAVE + "Nobody else does.\n")
    assert counts(library.ingest()) == {"updated": 2, "unchanged": 1}
    shutil.rmtree(old)
    assert become(archive) == both
    assert counts(library.ingest()) == {"unchanged": 3}
    assert become("Now a text.") == ["old", "plain.md"]
    assert become(archive) == both
    assert become("") == ["plain.md"]


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stamp of a file is relied on as soon as it is written."""
    monkeypatch.setattr(stamp, "_COARSEST_NS", -1_000_000_000)


@pytest.mark.usefixtures("settled")
def test_what_was_kept_without_pruning_goes_with_the_next_run(library: Library) -> None:
    library.write("old.zip", zipped({"travel.md": TRAVEL, "leave.md": LEAVE}))
    rows = [json.dumps({"id": name, "text": TRAVEL}) for name in ("1", "2")]
    lines = library.write("../rows.jsonl", "\n".join(rows))
    both = (library.folder, lines)
    library.ingest(*both)
    library.write("old.zip", zipped({"travel.md": TRAVEL}))
    lines.write_text(rows[0])
    assert counts(library.ingest(*both, prune=False)).get("removed") is None
    assert counts(library.ingest(*both))["removed"] == 2


@pytest.mark.usefixtures("settled")
def test_other_filters_open_a_message_and_a_broken_archive_again(library: Library) -> None:
    library.write("mail.eml", message("See the offer.", {"offer.md": OFFER, "leave.md": LEAVE}))
    broken = gzip.decompress(tarred({"offer.md": OFFER, "leave.md": LEAVE, "travel.md": TRAVEL}))[:2600]
    library.write("old.tar", broken)
    for left, out in (("leave", "offer"), ("offer", "leave")):
        assert library.ingest(options=SourceOptions(exclude=(f"{out}.md",))).failed == 1
        assert library.paths() == ["mail.eml", f"mail.eml/{left}.md", f"old.tar/{left}.md", "plain.md"]


@pytest.mark.usefixtures("settled")
def test_what_cannot_be_read_is_tried_again_when_asked(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = GuardedParser.members

    def members(self: GuardedParser, raw: RawDocument) -> Iterator[Member | Skipped]:
        opened.append(raw.path)
        return real(self, raw)

    monkeypatch.setattr(GuardedParser, "members", members)
    library.write("bad.zip", zipped({"good.md": TRAVEL, "bad.pdf": b"%PDF-1.4 and no more"}))
    library.write("cut.zip", zipped({"good.md": LEAVE})[:60])
    for verify, expected in ((False, 2), (False, 0), (True, 2)):
        opened.clear()
        assert library.ingest(verify=verify).failed == 2
        assert len(opened) == expected


def test_of_many_files_that_cannot_be_had_some_are_told_and_the_others_counted(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_TOLD", 2)
    bad: dict[str, str | bytes] = {f"{number}.md": "" for number in range(5)}
    library.write("bad.zip", zipped({"leave.md": LEAVE, **bad, "picture.exe": b"MZ\0\0", "travel.md": TRAVEL}))
    for _ in range(2):
        report = library.ingest()
        assert library.paths() == ["bad.zip/leave.md", "bad.zip/travel.md", "plain.md"]
        assert sorted(problem.uri for problem in report.problems) == [
            "docs/bad.zip/(others)",
            "docs/bad.zip/0.md",
            "docs/bad.zip/1.md",
        ]
        others = next(problem for problem in report.problems if problem.uri.endswith("(others)"))
        assert others.reason.startswith("4 more files in it cannot be had: empty file (3); ")
        assert not others.failed


def test_only_so_many_files_inside_one_are_taken(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOST", 2)
    library.write("old.zip", zipped({"travel.md": TRAVEL, "leave.md": LEAVE, "offer.md": OFFER}))
    for _ in range(2):
        report = library.ingest()
        assert library.paths() == ["old.zip/leave.md", "old.zip/travel.md", "plain.md"]
        assert [problem.reason for problem in report.problems] == ["holds more than 2 files: the others were left out"]
        assert report.failed == 1
    assert counts(report) == {"unchanged": 3, "failed": 1}
