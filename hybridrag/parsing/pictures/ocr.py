"""Text from pictures of text, read by the program tesseract where it is installed.

The parent looks for the program (`find`), as the user's PATH has it; the child is told what it found (`use`) and runs
it on one picture after the other, under the child's own limits and without network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from hybridrag.isolated import sandbox
from hybridrag.parsing.parsed import UnreadableError, one_line

_NEEDED = "needs OCR"
"""How every reason begins for which a picture, or a scan, is not read on this machine now."""
PAGE_S = 45.0
"""The longest that one page may take."""
DOCUMENT_S = 1_800.0
"""The longest that the pages of one document may take."""
DPI = 300
MOST_PIXELS = 25_000_000
"""What is given to the program at once: three pages of A4 at 300 dpi."""
LONGEST_SIDE = 30_000
"""Pixels. The program takes less than 32,768."""


@dataclass(frozen=True, slots=True)
class Ocr:
    """What reads pictures. Without a `program`, `missing` says why and `hint` what to do.

    `program` is an absolute path, `data` the folder of its language data where the user set one. `orients` says that it
    can tell which way up a page is.
    """

    program: str = ""
    version: str = ""
    languages: tuple[str, ...] = ()
    orients: bool = False
    data: str = ""
    missing: str = f"{_NEEDED}: tesseract is not installed"
    hint: str = "Install it: `apt install tesseract-ocr`, `dnf install tesseract` or `brew install tesseract`."

    @property
    def identity(self) -> str:
        """Changes whenever the same picture may be read otherwise, or is not read for another reason."""
        return f"tesseract/{self.version} {'+'.join(self.languages)}" if self.program else f"none ({self.missing})"

    def refusal(self, *, failed: bool) -> UnreadableError:
        """Why a picture is not read."""
        return UnreadableError(self.missing, hint=self.hint, failed=failed, ocr=True, needs_ocr=True)


def find(mode: str = "auto", languages: tuple[str, ...] = ()) -> Ocr:
    """What reads pictures on this machine: tesseract from PATH, in the languages given and in English where it can.

    `languages` are tesseract's names (`deu`, `fra`, `script/Latin`).
    """
    if mode == "off":
        return Ocr(missing=f"{_NEEDED}, which is turned off", hint='Set ocr = "auto" in the settings.')
    program = shutil.which("tesseract")
    # What a relative entry of PATH finds depends on the folder one stands in, and a project could bring it.
    if program is None or not Path(program).is_absolute():
        return Ocr()
    version, installed = _asked(program)
    if not version or not installed:
        return Ocr(missing=f"{_NEEDED}: tesseract does not run", hint="See what `tesseract --list-langs` says.")
    lacking = [name for name in languages or ("eng",) if name not in installed]
    if lacking:
        return Ocr(
            missing=f"{_NEEDED}: tesseract has no data for {one_line(', '.join(lacking), limit=100)}",
            hint="Install it, such as `apt install tesseract-ocr-deu`, or change ocr_languages in the settings.",
        )
    wanted = tuple(dict.fromkeys((*languages, "eng"))) if "eng" in installed else languages
    data = os.environ.get("TESSDATA_PREFIX", "")
    return Ocr(program, version, wanted, "osd" in installed, data, missing="", hint="")


def languages_of(program: str) -> frozenset[str]:
    """The languages that it has data for; `osd`, which tells which way up a page is, among them."""
    return _asked(program)[1]


def given(fields: Mapping[str, Any]) -> Ocr:
    """What `dataclasses.asdict` made of it, after its way through JSON."""
    return Ocr(**{**fields, "languages": tuple(fields["languages"])})


def use(ocr: Ocr, alive: Callable[[], object] | None = None) -> None:
    """From now on this process reads pictures so. `alive` is called before the first and after each of a document, at
    most `PAGE_S` and the time to unpack a picture apart: a long document is waited for.
    """
    global _now, _alive
    _now, _alive = ocr, alive


def current() -> Ocr:
    return _now


class Pictures:
    """The pictures of one document, read one by one."""

    def __init__(self) -> None:
        self._deadline = time.monotonic() + DOCUMENT_S
        self._late = 0
        self._failed = 0
        _sign_of_life()

    def read(self, picture: bytes) -> str:
        """The text of a PGM file, paragraphs apart by a blank line; empty where nothing in it can be read."""
        if time.monotonic() > self._deadline:
            self._late += 1
            return ""
        if picture.count(picture[-1:]) > len(picture) - _HEADER:
            return ""  # of one colour
        ocr = _now
        command = [ocr.program, "-", "-", "-l", "+".join(ocr.languages), "--psm", "1" if ocr.orients else "3", "tsv"]
        try:
            # What a picture makes it write to stderr may quote the picture.
            done = subprocess.run(
                command,
                input=picture,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=PAGE_S,
                env=_environment(ocr),
                check=False,
                preexec_fn=sandbox.die_with_parent,  # this process has one thread
            )
        except subprocess.TimeoutExpired:
            self._late += 1
            return ""
        finally:
            _sign_of_life()
        if done.returncode:
            self._failed += 1
            return ""
        return _text(done.stdout.decode("utf-8", "replace"))

    def notes(self, pages: int) -> tuple[str, ...]:
        """How many of a document's pages could not be read, and why, if any."""
        told = ((self._late, "OCR took too long"), (self._failed, "tesseract failed"))
        return tuple(f"{number} of {pages} pages were not read: {why}" for number, why in told if number)

    def refuse_silence(self) -> None:
        """For a document without any text: raises UnreadableError where that is for want of reading it."""
        if self._late:
            raise UnreadableError("OCR took too long", hint="Scan it at 300 dpi or less, or split it.", ocr=True)
        if self._failed:
            raise UnreadableError("OCR failed: tesseract could not read it", hint=_HINT, ocr=True)


def _text(table: str) -> str:
    """Lines of words from tesseract's table of them, without those that it is not sure of: noise, drawings, photos."""
    words = []
    for row in table.split("\n")[1:]:
        cells = row.rstrip("\r").split("\t")
        if len(cells) == 12 and cells[0] == "5" and cells[11].strip():
            words.append(_Word(tuple(cells[2:4]), cells[4], float(cells[10]), cells[11].strip()))
    paragraphs = []
    for _, paragraph in groupby(words, key=lambda word: word.paragraph):
        lines = [list(line) for _, line in groupby(paragraph, key=lambda word: word.line)]
        said = [" ".join(word.text for word in line) for line in lines if _confidence(line) >= _LEAST_CONFIDENCE]
        if said:
            paragraphs.append("\n".join(said))
    return "\n\n".join(paragraphs)


@dataclass(frozen=True, slots=True)
class _Word:
    paragraph: tuple[str, ...]
    line: str
    confidence: float
    text: str


def _confidence(line: Sequence[_Word]) -> float:
    """How sure the program is of a line, of 100: the mean over its characters."""
    return sum(word.confidence * len(word.text) for word in line) / sum(len(word.text) for word in line)


def _sign_of_life() -> None:
    if _alive is not None:
        _alive()


def _environment(ocr: Ocr) -> dict[str, str]:
    kept = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TMPDIR": tempfile.gettempdir(), "OMP_THREAD_LIMIT": "1"}
    return kept | ({"TESSDATA_PREFIX": ocr.data} if ocr.data else {})


@cache
def _asked(program: str) -> tuple[str, frozenset[str]]:
    """Its version and the languages it has data for. Running it takes 20 ms; a process asks once."""
    said = _said(program, "--version", "--list-langs")
    version = re.search(r"tesseract v?(\d[\w.]*)", said)
    # A language stands by itself on a line; what else is told is several words, or indented.
    return version[1] if version else "", frozenset(re.findall(r"^[\w./-]+$", said, re.MULTILINE))


def _said(program: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=10,
            check=False,
            env={key: os.environ[key] for key in ("PATH", "TESSDATA_PREFIX", "HOME") if key in os.environ},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


_now = Ocr()
_alive: Callable[[], object] | None = None

_HINT = "Try `tesseract FILE -` on a page of it, or leave it out with --exclude."
_HEADER = 20
"""Bytes: more than the header of a PGM file takes."""
_LEAST_CONFIDENCE = 50.0
