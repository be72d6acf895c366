"""What a source holds becomes what the index holds, with no more work than the change needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybridrag.errors import DocumentsFailed, RefusedForSafety, UsageError
from hybridrag.flows.selection import SourceOptions
from hybridrag.types import Label
from tests.flows.library import Library, counts

TRAVEL = "# Travel\n\nThe meal allowance is 62 euros for a day of travel.\n"
LEAVE = "# Leave\n\nThe team lead approves days of leave.\n"


@pytest.fixture
def library(tmp_path: Path, database_url: str, tiny_model: Path) -> Iterator[Library]:
    opened = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    opened.write("travel.md", TRAVEL)
    opened.write("hr/leave.md", LEAVE)
    yield opened
    opened.wiring.store.close()


def test_new_changed_and_unchanged(library: Library) -> None:
    first = library.ingest()
    assert counts(first) == {"added": 2}
    assert (first.chunks_added, first.chunks_embedded, first.chunks_reused) == (2, 2, 0)
    assert first.tokens_embedded > 0
    assert first.bytes_read == len(TRAVEL) + len(LEAVE)
    assert library.found("meal allowance")[0] == "travel.md"

    again = library.ingest()
    assert counts(again) == {"unchanged": 2}
    assert (again.chunks_added, again.chunks_embedded, again.tokens_embedded) == (0, 0, 0)

    library.write("travel.md", TRAVEL + "\n## Hotels\n\n" + "The hotel price for a night is 90 euros. " * 20)
    changed = library.ingest()
    assert counts(changed) == {"updated": 1, "unchanged": 1}
    assert changed.chunks_removed == 1
    assert changed.chunks_added == changed.chunks_embedded + changed.chunks_reused
    assert library.found("hotel price")[0] == "travel.md"
    assert library.vectors() == len({row["id"] for row in library.rows()}) + changed.chunks_added - 1


def test_a_renamed_document_is_not_embedded_again(library: Library) -> None:
    library.ingest()
    (library.folder / "travel.md").rename(library.folder / "trips.md")
    report = library.ingest()
    assert counts(report) == {"added": 1, "unchanged": 1, "removed": 1}
    assert (report.chunks_embedded, report.chunks_reused, report.tokens_embedded) == (0, 1, 0)
    assert library.paths() == ["hr/leave.md", "trips.md"]
    assert library.vectors() == 2


def test_the_same_text_twice_is_embedded_once(library: Library) -> None:
    library.write("copy.md", TRAVEL)
    report = library.ingest()
    assert counts(report) == {"added": 3}
    assert (report.chunks_embedded, report.chunks_reused) == (2, 1)
    (library.folder / "travel.md").unlink()
    assert counts(library.ingest()) == {"unchanged": 2, "removed": 1}
    assert library.found("meal allowance")[0] == "copy.md"


def test_what_vanished_is_removed_unless_told_otherwise(library: Library) -> None:
    library.ingest()
    (library.folder / "travel.md").unlink()
    kept = library.ingest(prune=False)
    assert counts(kept) == {"unchanged": 1}
    assert library.paths() == ["hr/leave.md", "travel.md"]
    removed = library.ingest()
    assert counts(removed) == {"unchanged": 1, "removed": 1}
    assert removed.chunks_removed == 1
    assert library.paths() == ["hr/leave.md"]
    assert library.vectors() == 1


def test_a_part_judges_only_itself(library: Library) -> None:
    library.ingest()
    (library.folder / "travel.md").unlink()
    (library.folder / "hr" / "leave.md").unlink()
    library.write("hr/new.md", "# New\n\nA new policy for the office.\n")
    report = library.ingest(library.folder / "hr")
    assert counts(report) == {"added": 1, "removed": 1}
    assert library.paths() == ["hr/new.md", "travel.md"]
    gone = library.ingest(library.folder / "travel.md")
    assert counts(gone) == {"removed": 1}
    with pytest.raises(DocumentsFailed, match=r"none\.md"):
        library.ingest(library.folder / "none.md").check(strict=False)


def test_a_dry_run_tells_and_changes_nothing(library: Library) -> None:
    imagined = library.ingest(dry_run=True)
    assert counts(imagined) == {"added": 2}
    with pytest.raises(UsageError, match="no collection"):
        library.wiring.collection()

    library.ingest()
    (library.folder / "hr" / "leave.md").unlink()
    library.write("travel.md", TRAVEL + "More of it.")
    library.write("new.md", "# New\n\nA new policy.\n")
    before = library.rows()
    told = library.ingest(dry_run=True)
    assert counts(told) == {"added": 1, "updated": 1, "removed": 1}
    assert told.dry_run
    assert len(told.would_remove) == told.removed
    assert library.rows() == before
    assert counts(library.ingest()) == counts(told)


def test_a_document_that_became_empty_is_removed(library: Library) -> None:
    library.ingest()
    library.write("travel.md", " \n\n ")
    report = library.ingest()
    assert counts(report) == {"unchanged": 1, "removed": 1, "skipped": 1}
    assert library.paths() == ["hr/leave.md"]


def test_a_document_that_cannot_be_read_now_stays_as_it_was(library: Library) -> None:
    library.write("report.pdf", _pdf("The travel report of the office"))
    assert counts(library.ingest()) == {"added": 3}
    library.write("report.pdf", b"%PDF-1.4\nnothing more")
    report = library.ingest()
    assert counts(report) == {"unchanged": 2, "failed": 1}
    assert "the version indexed before is kept" in report.problems[0].reason
    assert "report.pdf" in library.paths()
    assert counts(library.ingest()) == {"unchanged": 2, "failed": 1}, "it is tried again"


def _pdf(text: str) -> bytes:
    """A PDF of one page."""
    stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = b"startxref\n%d\n%%%%EOF\n" % len(body)
    return body + b"xref\n0 6\n0000000000 65535 f \n" + table + b"trailer << /Size 6 /Root 1 0 R >>\n" + start


def test_too_much_gone_is_refused_before_anything_is_changed(library: Library) -> None:
    for number in range(12):
        library.write(f"many/{number}.md", f"# Number {number}\n\nA page of the policy.\n")
    library.ingest()
    for number in range(12):
        (library.folder / "many" / f"{number}.md").unlink()
    library.write("travel.md", TRAVEL + "Changed.")
    before = library.rows()
    with pytest.raises(RefusedForSafety, match="12 of the 14 documents") as caught:
        library.ingest()
    assert "--allow-mass-delete" in caught.value.hint
    assert library.rows() == before
    assert counts(library.ingest(allow_mass_delete=True)) == {"updated": 1, "unchanged": 1, "removed": 12}


def test_a_place_that_cannot_be_looked_at_is_not_remembered(library: Library) -> None:
    gone = library.folder / "gone.jsonl"
    gone.symlink_to("/nowhere")
    (problem,) = library.ingest(gone).problems
    assert problem.failed and problem.reason.endswith("so it is not remembered")
    bad = library.write("bad.jsonl", "no record\n")
    (problem,) = library.ingest(bad).problems
    assert problem.failed and "remembered" not in problem.reason
    store = library.wiring.store
    assert [row["source"].name for row in store.list_sources(library.wiring.collection())] == ["bad"]


def test_labels_by_place_reach_unchanged_documents(library: Library) -> None:
    library.write("open.md", "---\nlabel: confidential\n---\n\n# Open\n\nThe price of the release.\n")
    library.ingest()
    labels = {row["path"]: row["label"] for row in library.rows()}
    assert labels == {"hr/leave.md": "internal", "open.md": "confidential", "travel.md": "internal"}
    report = library.ingest(options=SourceOptions(label_globs=(("hr/**", Label.LOCAL_ONLY),)))
    assert counts(report) == {"unchanged": 3}
    assert report.chunks_embedded == 0
    labels = {row["path"]: row["label"] for row in library.rows()}
    assert labels == {"hr/leave.md": "local-only", "open.md": "confidential", "travel.md": "internal"}
    library.ingest(options=SourceOptions(label_globs=(("*.txt", Label.CONFIDENTIAL),)))
    assert {row["label"] for row in library.rows() if row["path"] == "hr/leave.md"} == {"internal"}


def test_an_unknown_label_keeps_a_document_at_home(library: Library) -> None:
    library.write("odd.md", "---\nlabel: secrit\n---\n\n# Odd\n\nThe price of the release.\n")
    library.ingest()
    library.ingest()
    assert {row["path"]: row["label"] for row in library.rows()}["odd.md"] == "local-only"


def test_an_excluded_document_is_removed(library: Library) -> None:
    library.ingest()
    report = library.ingest(options=SourceOptions(exclude=("hr/**",)))
    assert counts(report) == {"unchanged": 1, "removed": 1}
    assert counts(library.ingest()) == {"unchanged": 1}, "the source remembers it"


def test_a_dataset_is_a_document_a_line(library: Library) -> None:
    lines: list[dict[str, Any]] = [
        {"_id": "q1", "title": "Travel", "text": "The meal allowance of the office.", "label": "positive"},
        {"_id": "q2", "text": "The hotel in germany.", "label": "restricted", "year": 2024},
        {"_id": "q3", "text": ""},
    ]
    file = library.write("set.jsonl", "\n".join(json.dumps(line) for line in lines))
    report = library.ingest(file)
    assert counts(report) == {"added": 2, "skipped": 1}
    rows = {row["external_id"]: row for row in library.rows()}
    assert {key: row["label"] for key, row in rows.items()} == {"q1": "internal", "q2": "local-only"}
    assert rows["q2"]["metadata"]["year"] == 2024
    lines[0]["text"] = "The meal allowance has changed."
    file.write_text("\n".join(json.dumps(line) for line in lines[:1]))
    assert counts(library.ingest(file)) == {"updated": 1, "removed": 1}


def test_two_sources_do_not_touch_each_other(library: Library, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "travel.md").write_text(TRAVEL)
    assert counts(library.ingest(library.folder, other)) == {"added": 3}
    (other / "travel.md").unlink()
    (other / "hotel.md").write_text("# Hotel\n\nA night.\n")
    assert counts(library.ingest(other)) == {"added": 1, "removed": 1}
    assert library.paths() == ["hr/leave.md", "travel.md", "hotel.md"]


def test_standard_input_is_a_document(library: Library) -> None:
    report = library.ingest(Path("-"), stdin=TRAVEL.encode(), stdin_name="notes.md")
    assert counts(report) == {"added": 1}
    assert [row["document"].uri for row in library.rows()] == ["stdin/notes.md"]


@pytest.mark.parametrize(
    "content",
    [
        "# NUL \0 inside\n\nThe travel\0 policy.",
        "# Emoji 🙂 and \u202e bidi\n\nThe travel policy. \ufffe\uffff",
        "word " * 3000,
        "x" * 50_000,
        "# " + "t" * 3000 + "\n\nThe travel policy.",
        "---\ntags: [a, b]\nnan: .nan\nwhen: 2024-01-01\ndeep: {a: {b: [1, null]}}\n---\n\nThe travel policy.",
        "".join(chr(code) for code in range(32, 0x250)) + "\n\nThe travel policy.",
    ],
    ids=["nul", "emoji", "long", "solid", "title", "metadata", "control"],
)
def test_odd_documents_are_stored_exactly(library: Library, content: str) -> None:
    library.write("odd.md", content)
    report = library.ingest()
    assert counts(report) == {"added": 3}
    shown = library.wiring.store.show_document(library.wiring.collection(), "docs", "odd.md")
    assert shown is not None
    with library.wiring.store.snapshot("default") as snapshot:
        rows = snapshot.tx.execute("select number from chunk where document_id = %s", (shown["document"].id,))
        chunks = snapshot.chunks([row["number"] for row in rows])
    assert len(chunks) == len(shown["chunks"])
    for chunk in chunks.values():
        assert shown["text"][chunk.start : chunk.end] == chunk.text
    assert counts(library.ingest()) == {"unchanged": 3}


def test_a_new_version_of_a_parser_parses_its_own_documents_again_and_no_others(library: Library) -> None:
    library.write("page.html", "<p>The porter has the keys to the cellar.</p>")
    library.write("broken.pdf", b"%PDF-1.4 nothing more")
    library.write("broken.docx", b"PK\x03\x04 nothing more")
    assert counts(library.ingest()) == {"added": 3, "failed": 2}
    again = library.ingest()
    assert counts(again) == {"unchanged": 3, "failed": 2}
    assert again.stages["parse"] == 0

    library.execute("update document set processing = 'html/0' where path = 'page.html'")
    library.execute("update problem set processing = 'pdf/0' where path = 'broken.pdf'")
    report = library.ingest()
    assert counts(report) == {"updated": 1, "unchanged": 2, "failed": 2}
    assert (report.chunks_embedded, report.chunks_reused) == (0, 1)
    assert counts(library.ingest()) == {"unchanged": 3, "failed": 2}


def test_a_file_under_a_new_name_is_read_as_what_the_name_says(library: Library) -> None:
    library.ingest()
    library.execute("update document set media_type = 'text/plain' where path = 'travel.md'")
    assert counts(library.ingest()) == {"updated": 1, "unchanged": 1}
