"""Pictures are read inside the child: under its limits, with patience for many pages, and nothing outlives it."""

from __future__ import annotations

import os
import select
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from hybridrag.parsing import GuardedParser
from hybridrag.parsing.pictures.ocr import Ocr, find
from hybridrag.types import Document, RawDocument, Skipped

Raw = Callable[[str, bytes, str], RawDocument]


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_scan_is_read_and_tells_what_read_it(files: Path, raw: Raw) -> None:
    with GuardedParser(pictures=find()) as parser:
        scan = parser.parse(raw("scan.pdf", (files / "scan.pdf").read_bytes(), "application/pdf"))
        picture = parser.parse(raw("notice.png", (files / "notice.png").read_bytes(), "image/png"))
        assert isinstance(scan, Document)
        assert isinstance(picture, Document)
        assert "lighthouses" in scan.text
        assert scan.language == "en"
        assert {scan.parser, picture.parser} <= parser.versions
        assert "tesseract/" in scan.parser
    with GuardedParser() as without:
        assert scan.parser not in without.versions


def test_what_wanted_a_program_is_tried_again_once_there_is_one(files: Path, raw: Raw) -> None:
    with GuardedParser() as without, GuardedParser(pictures=Ocr("/bin/true", "1", ("eng",), missing="")) as having:
        scan = without.parse(raw("scan.pdf", (files / "scan.pdf").read_bytes(), "application/pdf"))
        text = without.parse(raw("handbook.pdf", (files / "handbook.pdf").read_bytes(), "application/pdf"))
        assert isinstance(scan, Skipped)
        assert isinstance(text, Document)
        assert {scan.parser, text.parser} <= without.versions
        assert scan.parser not in having.versions
        assert text.parser in having.versions


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process by its descriptor")
def test_the_program_ends_with_the_child(files: Path, raw: Raw, tmp_path: Path) -> None:
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\n/bin/sleep 600\n/bin/true\n")
    program.chmod(0o755)
    given = raw("scan.pdf", (files / "scan.pdf").read_bytes(), "application/pdf")
    with GuardedParser(pictures=Ocr(str(program), "1", ("eng",), missing="")) as parser:
        thread = threading.Thread(target=parser.parse, args=(given,))
        thread.start()
        deadline = time.monotonic() + 60
        while not (running := processes_of(program)) and time.monotonic() < deadline:
            os.sched_yield()
        process = os.pidfd_open(running[0])
        parser.close()
        thread.join()
    ended, _, _ = select.select([process], [], [], 60)
    os.close(process)
    assert ended


def processes_of(program: Path) -> list[int]:
    """The processes that run a script."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(program).encode() in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return found
