"""Pictures of text: read by tesseract where it is installed, told as needing it where it is not."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from hybridrag.parsing.parsed import UnreadableError
from hybridrag.parsing.pdf.reading import parse_pdf
from hybridrag.parsing.pictures import ocr
from hybridrag.parsing.pictures.images import parse_image
from hybridrag.types import Page, Skipped

Skip = Callable[[str, bytes, str], Skipped]
needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
NOTICE = (
    "Harbour rules\n\n"
    "Ships report to the harbour master before noon. The fee for a berth is 42 euro per\n"
    "night. Boats over twelve metres pay double."
)
KEEPERS = "The second page speaks of lighthouses and their keepers, who watch the sea all\nnight."


@pytest.fixture
def reads() -> Iterator[Callable[[ocr.Ocr], None]]:
    yield ocr.use
    ocr.use(ocr.Ocr())


@pytest.fixture
def tesseract(reads: Callable[[ocr.Ocr], None]) -> None:
    reads(ocr.find())


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program called tesseract on PATH, and nothing else: a shell script with this body."""

    def write(body: str) -> Path:
        path = tmp_path / "tesseract"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        return path

    return write


SPEAKS_GERMAN = """
echo "$*" >>"$0.asked"
echo tesseract v6.1.0-dev
echo ' Found AVX2'
echo 'List of available languages in "/data/" (3):'; echo deu; echo osd; echo script/Latin
"""


# --- read ------------------------------------------------------------------------------------------------------------


@needs_tesseract
def test_a_scanned_pdf(files: Path, tesseract: None) -> None:
    scan = parse_pdf((files / "scan.pdf").read_bytes())
    assert scan.text == f"{NOTICE}\n\n{KEEPERS}"
    assert scan.pages == (Page(1, 0, len(NOTICE)), Page(2, len(NOTICE) + 2, len(scan.text)))
    assert scan.ocr
    assert scan.notes == ()


@needs_tesseract
def test_a_scanned_page_among_others_keeps_its_number(files: Path, tesseract: None) -> None:
    mixed = parse_pdf((files / "mixed.pdf").read_bytes())
    first, second = (mixed.text[page.start : page.end] for page in mixed.pages)
    assert first.startswith("Traffic in the port\nShips of the line")
    assert second == KEEPERS
    assert mixed.ocr


@needs_tesseract
def test_a_fax_of_two_pages(files: Path, tesseract: None) -> None:
    fax = parse_image((files / "fax.tif").read_bytes())
    assert [fax.text[page.start : page.end] for page in fax.pages] == [NOTICE, KEEPERS]


@needs_tesseract
def test_a_picture_of_words(files: Path, tesseract: None) -> None:
    picture = parse_image((files / "notice.png").read_bytes())
    assert (picture.text, picture.pages, picture.ocr) == (NOTICE, (), True)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_pictures_of_every_kind_reach_the_program_in_grey(
    files: Path, tmp_path: Path, program: Callable[[str], Path], reads: Callable[[ocr.Ocr], None], form: str
) -> None:
    reads(ocr.Ocr(str(program(f"exec /bin/cat > '{tmp_path}/picture.pgm'")), "1", ("eng",), missing=""))
    notice = Image.open(files / "notice.png").convert("L")
    assert parse_image(saved(notice, form)).text == ""
    given = Image.open(tmp_path / "picture.pgm")
    assert (given.format, given.mode, given.size) == ("PPM", "L", (2 * notice.width, 2 * notice.height))
    difference = ImageChops.difference(given, notice.resize(given.size, Image.Resampling.BICUBIC))
    assert ImageStat.Stat(difference).mean[0] < 2


@needs_tesseract
def test_a_photo_held_sideways_and_letters_on_glass(files: Path, tesseract: None) -> None:
    """The camera says how it was held (EXIF); what is transparent lies on white."""
    assert parse_image((files / "turned.jpg").read_bytes()).text == NOTICE
    ink = Image.open(files / "notice.png").convert("L").point(lambda grey: 255 - grey)
    glass = Image.new("RGBA", ink.size, (0, 0, 0, 0))
    glass.putalpha(ink)
    assert parse_image(saved(glass, "PNG")).text == NOTICE


@needs_tesseract
def test_a_picture_without_words_holds_no_text(tesseract: None) -> None:
    noise = Image.effect_noise((300, 200), 90)
    assert parse_image(saved(noise, "PNG")).text == ""
    assert parse_image(saved(Image.new("L", (300, 200), 255), "PNG")).text == ""


def test_a_page_that_takes_too_long_is_told_and_the_next_is_read(
    files: Path, program: Callable[[str], Path], reads: Callable[[ocr.Ocr], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "PAGE_S", 0.1)
    reads(ocr.Ocr(str(program("exec /bin/sleep 60")), "1", ("eng",), missing=""))
    mixed = parse_pdf((files / "mixed.pdf").read_bytes())
    assert mixed.notes == ("1 of 2 pages were not read: OCR took too long", "1 of 2 pages hold no text: 2")


def test_where_reading_fails_on_every_page_the_document_fails(
    files: Path, program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signs of life come before the first page and after every page all the same."""
    monkeypatch.setattr(ocr, "PAGE_S", 0.1)
    signs: list[int] = []
    for body, reason in (("exit 1", "OCR failed"), ("exec /bin/sleep 60", "OCR took too long")):
        ocr.use(ocr.Ocr(str(program(body)), "1", ("eng",), missing=""), lambda: signs.append(1))
        try:
            for parse, name in ((parse_pdf, "scan.pdf"), (parse_image, "fax.tif")):
                signs.clear()
                with pytest.raises(UnreadableError, match=reason) as caught:
                    parse((files / name).read_bytes())
                assert (caught.value.failed, caught.value.ocr, signs) == (True, True, [1, 1, 1])
        finally:
            ocr.use(ocr.Ocr())


# --- not read --------------------------------------------------------------------------------------------------------


def test_without_a_program_a_picture_is_no_failure_and_a_scan_is_one(skipped: Skip, files: Path) -> None:
    picture = skipped("a.png", (files / "notice.png").read_bytes(), "image/png")
    assert (picture.reason, picture.failed) == ("needs OCR: tesseract is not installed", False)
    assert picture.needs_ocr
    assert "install" in picture.hint
    scan = skipped("a.pdf", (files / "scan.pdf").read_bytes(), "application/pdf")
    assert (scan.reason, scan.failed, scan.needs_ocr) == (picture.reason, True, True)
    assert not skipped("broken.pdf", b"%PDF-1.7 broken", "application/pdf").needs_ocr


def test_without_a_program_the_other_pages_are_read(files: Path) -> None:
    mixed = parse_pdf((files / "mixed.pdf").read_bytes())
    assert mixed.text.startswith("Traffic in the port")
    assert mixed.notes == ("1 of 2 pages hold no text: 2 (needs OCR: tesseract is not installed)",)
    assert mixed.ocr  # so that it is read again once there is one
    assert not parse_pdf((files / "report.pdf").read_bytes()).ocr


def test_a_picture_too_large_is_not_unpacked(reads: Callable[[ocr.Ocr], None]) -> None:
    reads(ocr.Ocr("/nowhere/tesseract", "1", ("eng",), missing=""))
    for width, height in ((60_000, 60_000), (11_000, 10_000), (9_000, 9_000)):
        with pytest.raises(UnreadableError, match="a picture of more than 80 million pixels"):
            parse_image(png_header(width, height))


@pytest.mark.parametrize("keep", [0, 12, 200])
def test_a_broken_picture(files: Path, reads: Callable[[ocr.Ocr], None], keep: int) -> None:
    reads(ocr.Ocr("/nowhere/tesseract", "1", ("eng",), missing=""))
    with pytest.raises(UnreadableError, match="broken: its content does not fit its format"):
        parse_image((files / "notice.png").read_bytes()[:keep])


# --- found -----------------------------------------------------------------------------------------------------------


@needs_tesseract
def test_tesseract_is_found_with_its_languages() -> None:
    found = ocr.find()
    assert Path(found.program).is_absolute()
    assert found.identity == f"tesseract/{found.version} eng"
    assert ocr.given(asdict(found)) == found


def test_languages_are_those_asked_for_and_english_where_there_is_some(program: Callable[[str], Path]) -> None:
    program(SPEAKS_GERMAN)
    german = ocr.find(languages=("deu",))
    assert german.identity == "tesseract/6.1.0 deu"
    assert german.orients
    assert ocr.languages_of(german.program) == {"deu", "osd", "script/Latin"}
    assert ocr.find().missing == "needs OCR: tesseract has no data for eng"
    assert ocr.find(languages=("deu", "tlh")).missing == "needs OCR: tesseract has no data for tlh"
    assert len(Path(f"{german.program}.asked").read_text().splitlines()) == 1, "it is run once"


def test_no_program_is_found_where_there_is_none_or_it_is_off(
    tmp_path: Path, program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program(SPEAKS_GERMAN)
    assert ocr.find("off", ("deu",)).missing == "needs OCR, which is turned off"
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv("PATH", tmp_path.name)  # what a project brings along
    assert ocr.find(languages=("deu",)) == ocr.Ocr()
    monkeypatch.setenv("PATH", "")
    assert ocr.find() == ocr.Ocr()
    # Once it is missing for another reason, that reason is told.
    assert len({ocr.find().identity, ocr.find("off").identity}) == 2


def test_a_program_that_does_not_run(program: Callable[[str], Path]) -> None:
    program("exit 3")
    assert ocr.find().missing == "needs OCR: tesseract does not run"


def saved(image: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG file that promises more than it holds."""

    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0" * 99)) + part(b"IEND", b"")
