"""What people read of a folder as they are: broken files, junk, tables, pictures without OCR, mistyped names."""

from __future__ import annotations

import io
import shutil
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import CommandLine, Here

PRICES = "Article;Name;Price EUR\n" + "".join(f"A{n};Bolt of type {n};{n / 10}\n" for n in range(400))
READS = r"""#!/bin/sh
case $1 in
    --version) echo tesseract v6.1.0; echo 'List of available languages (2):'; echo eng; echo deu ;;
    *) /bin/cat >/dev/null
       printf 'level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n'
       printf '5\t1\t1\t1\t1\t1\t5\t5\t50\t9\t96\tNotice\n5\t1\t1\t1\t1\t2\t60\t5\t50\t9\t96\tboard\n' ;;
esac
"""


@pytest.fixture
def run(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


@pytest.fixture
def share(cli: CommandLine) -> Path:
    folder = cli.home / "share"
    folder.mkdir()
    (folder / "notes.md").write_text("# Notes\n\nThe pump is oiled each Monday by the shift leader.\n")
    return folder


def picture() -> bytes:
    made = io.BytesIO()
    image = Image.new("L", (200, 40), 255)
    image.paste(0, (20, 10, 180, 30))
    image.save(made, "PNG")
    return made.getvalue()


def test_many_problems_are_told_by_their_reasons(run: CommandLine, share: Path) -> None:
    for number in range(12):
        (share / f"{number:02}.pdf").write_bytes(b"%PDF-1.4 broken")
    for name in ("a.exe", "b.exe", "desktop.ini", "~$offer.docx"):
        (share / name).write_bytes(b"\0anything")
    (share / "letter.docx").write_text("no office file")
    with zipfile.ZipFile(share / "old.zip", "w") as archive:
        archive.writestr("pears.md", "# Pears\n\nTwelve crates of pears cost 90 euros.\n")
    told = run("ingest", str(share))
    assert told.err.count("failed: share/") == 10
    assert (
        "... and 3 more failed: broken: its content does not fit its format (2); not an office file: it holds text (1)"
        in told.err
    )
    assert "skipped: no parser for .exe (2); settings of a folder (1); the mark of a document that was open" in told.err
    assert "--verbose names each file" in told.err

    assert "is not indexed: not an office file" in run("documents", "show", "share/letter.docx").err
    assert "holds 1 document; name one of them" in run("documents", "show", "share/old.zip").err
    assert "documents list --problems" in run("sources", "show", "share").err
    assert f"did you mean {share}?" in run("ingest", str(share.parent / "shaer")).err
    assert "if it is a page: https://example.com/page" in run("ingest", "example.com/page").err


def test_rows_are_shown_with_the_head_of_their_table(run: CommandLine, share: Path) -> None:
    (share / "prices.csv").write_text(PRICES)
    assert run("ingest", str(share)).code == 0
    found = run("search", "A237", "-k", "1").out.splitlines()
    assert found[1].strip() == "Article;Name;Price EUR"
    assert "    A237;Bolt of type 237;23.7" in found
    asked = run("ask", "What is the price of article A237?", "-q")
    assert "Article: A237 | Name: Bolt of type 237 | Price EUR: 23.7 [1]" in asked.out


def test_a_picture_stays_where_ocr_is_not_found_and_doctor_tells(run: CommandLine, share: Path) -> None:
    (share / "board.png").write_bytes(picture())
    shutil.copy(Path(__file__).parents[1] / "parsing/files/mixed.pdf", share)
    programs = share.parent / "programs"
    programs.mkdir()
    (programs / "tesseract").write_text(READS)
    (programs / "tesseract").chmod(0o755)
    there, gone = {"PATH": str(programs)}, {"PATH": "/nowhere"}
    assert run("ingest", str(share), env=there).code == 0
    assert run("documents", "show", "share/board.png").out.strip() == "Notice board"
    mixed = run("documents", "show", "share/mixed.pdf").out
    assert mixed.strip().endswith("Notice board") and len(mixed) > 40
    doctor = {check["name"]: check for check in run("doctor", "--json", env=there).json["checks"]}
    assert f"tesseract 6.1.0, {programs}/tesseract, reads eng" in doctor["ocr"]["detail"]
    assert "ocr_languages may name deu too" in doctor["ocr"]["detail"]
    assert "a page was parsed in a process of its own" in doctor["parser"]["detail"]

    for _ in range(2):  # tried, and known from the first time
        kept = run("sync", env=gone)
        reason = "needs OCR: tesseract is not installed; the version indexed before is kept"
        assert f"failed: share/mixed.pdf: {reason}" in kept.err
        assert f"skipped: {reason} (1)" in kept.err
    assert run("documents", "show", "share/board.png").out.strip() == "Notice board"
    assert run("documents", "show", "share/mixed.pdf").out == mixed
    doctor = {check["name"]: check for check in run("doctor", "--json", env=gone).json["checks"]}
    assert (doctor["ocr"]["state"], "2 files of default" in doctor["ocr"]["detail"]) == ("warning", True)
    again = run("sync", "--json", env=there).json
    assert (again["documents"]["unchanged"], again["problems"]) == (3, [])


def test_redact_shows_the_words_of_a_message_and_not_its_attachments(run: CommandLine, share: Path) -> None:
    made = EmailMessage()
    made["From"], made["Subject"] = "ann@example.com", "The offer"
    made.set_content("We take nine pumps.")
    made.add_attachment(b"\0" * 90, maintype="application", subtype="pdf", filename="offer.pdf")
    (share / "offer.eml").write_bytes(made.as_bytes())
    shown = run("redact", str(share / "offer.eml"))
    assert "We take nine pumps." in shown.out and "ann@example.com" not in shown.out
    assert "base64" not in shown.out and "attached to it are documents of their own" in shown.err
    with zipfile.ZipFile(share / "mail.zip", "w") as archive:
        archive.writestr("offer.eml", made.as_bytes())
    assert "unpack it" in run("redact", str(share / "mail.zip")).err
