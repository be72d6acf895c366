"""What `doctor` looks at of reading documents: the process that parses, parsers of other packages, OCR."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from hybridrag.errors import DocumentsFailed
from hybridrag.types import RawDocument, Skipped

if TYPE_CHECKING:
    from hybridrag.wiring import Wiring

_PAGE = b"<!doctype html><html><body><main><h1>Ready</h1><p>Is the parser ready?</p></main></body></html>"
_SAID = "Is the parser ready?"
_HINT = (
    "raise parse_memory and parse_timeout where you lowered them, or install hybridrag anew with its constraints.txt"
)


class ParsingProbes:
    """As in `Probes`."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def all(self) -> list[tuple[str, Callable[[], str]]]:
        return [("parser", self.parser), ("ocr", self.ocr)]

    def parser(self) -> str:
        """A page is parsed by a child process, as every document is."""
        from hybridrag.parsing import formats

        settings = self._wiring.settings
        page = RawDocument("doctor", "ready.html", _PAGE, "text/html", hashlib.sha256(_PAGE).digest())
        with self._wiring.open_parser() as parser:
            taken = parser.taken
            answer = parser.parse(page)
        if isinstance(answer, Skipped):
            raise DocumentsFailed(f"a page cannot be parsed: {answer.reason}", hint=_HINT)
        if _SAID not in answer.text:
            raise DocumentsFailed(f"a page is parsed without its text, by {answer.parser}", hint=_HINT)
        others = "; ".join(f"{made_by} reads {', '.join(kinds)}" for made_by, kinds in taken.items())
        return (
            f"{len(formats.FORMATS)} formats; a page was parsed in a process of its own, where a file may take "
            f"{settings.parse_timeout:g} s and {settings.parse_memory / 1024**3:.3g} GiB; "
            f"parsers of other packages: {others or 'none'}"
        )

    def ocr(self) -> str:
        from hybridrag.flows.doctor import Concern
        from hybridrag.parsing.pictures import ocr

        settings = self._wiring.settings
        found = ocr.find(settings.ocr, settings.ocr_languages)
        if found.program:
            beside = sorted(ocr.languages_of(found.program) - {*found.languages, "osd"})
            more = f"; ocr_languages may name {', '.join(beside)} too" if beside else ""
            turns = "" if found.orients else ", pages the right way up only (no data `osd`)"
            return f"tesseract {found.version}, {found.program}, reads {', '.join(found.languages)}{turns}{more}"
        waiting = self._waiting()
        if settings.ocr == "off" and not waiting:
            return "turned off: pictures and scans are left alone"
        if waiting or settings.ocr_languages:
            files = "1 file" if waiting == 1 else f"{waiting:,} files"
            told = f"{found.missing}, and {files} of {settings.collection} cannot be read" if waiting else found.missing
            raise Concern(told, f"{found.hint} Then: hybridrag sync")
        return f"none, so pictures and scans are left out. {found.hint}"

    def _waiting(self) -> int:
        """How many files of the collection cannot be read without."""
        from hybridrag.store.problems import open_problems

        store = self._wiring.store
        collection = store.find_collection(self._wiring.settings.collection)
        return sum(each.needs_ocr for each in open_problems(store.url, collection)) if collection else 0
