"""What of a PDF's structure is found, and what finding it is worth to a search.

    python -m benchmarks.pdf_structure --gold FOLDER
    python -m benchmarks.pdf_structure --search FOLDER [--most-pages 100]

`--gold` takes PDFs with a `gold.json` beside them: by the file's stem its `headings` (level and title) and `tables`
(rows of cells, the first the header). A row counts where all of its cells do, letters and digits only, in their order;
figures are by the stem without its number. `--search` takes FinanceBench's sample (see benchmarks/pdf.py), puts its
filings of so many pages at most into a collection, and says how often one of the first five chunks lies on a page of
the evidence. Without a folder it says so and ends with status 0.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import pypdfium2

from benchmarks.pdf import bare
from hybridrag import wiring as composition
from hybridrag.config import load
from hybridrag.flows.ingest import IngestOptions
from hybridrag.flows.progress import Silent
from hybridrag.flows.selection import SourceOptions
from hybridrag.parsing import GuardedParser
from hybridrag.types import Document, Mode, Query, RawDocument

TOP = 5
MODES: tuple[Mode, ...] = ("dense", "hybrid")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path)
    parser.add_argument("--search", type=Path)
    parser.add_argument("--most-pages", type=int, default=100)
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    options = parser.parse_args()
    if options.gold:
        print(json.dumps(found(options.gold), indent=2))
    if options.search:
        print(json.dumps(searched(options.search, options.most_pages, options.embedder)))
    if not (options.gold or options.search):
        print(json.dumps({"skipped": "give a folder with --gold or --search"}))


def found(folder: Path) -> dict[str, dict[str, float]]:
    """Precision and recall of headings, of headings with their levels, of rows and of headers, by kind of file."""
    gold = json.loads((folder / "gold.json").read_text("utf-8"))
    counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    with GuardedParser() as parser:
        for path in sorted(folder.glob("*.pdf")):
            document = parser.parse(RawDocument("box", path.name, path.read_bytes(), "application/pdf", b""))
            assert isinstance(document, Document), document
            there = gold[path.stem]
            rows, heads = rows_of(document)
            for name, wanted, got in (
                (
                    "headings",
                    [bare(title) for _, title in there["headings"]],
                    [bare(h.title) for h in document.headings],
                ),
                (
                    "levels",
                    [f"{level} {bare(title)}" for level, title in there["headings"]],
                    [f"{heading.level} {bare(heading.title)}" for heading in document.headings],
                ),
                ("rows", [row(cells) for table in there["tables"] for cells in table], rows),
                ("headers", [row(table[0]) for table in there["tables"]], heads),
            ):
                count = counts[re.sub(r"\d", "", path.stem)][name]
                count[0] += len(wanted)
                count[1] += len(got)
                count[2] += (Counter(wanted) & Counter(got)).total()
    return {
        kind: {
            f"{name}_{figure}": round(right / of, 2)
            for name, (wanted, got, right) in by_name.items()
            for figure, of in (("recall", wanted), ("precision", got))
            if of
        }
        for kind, by_name in counts.items()
    }


def rows_of(document: Document) -> tuple[list[str], list[str]]:
    """The rows of the document's tables, and those of their headers."""
    rows, heads = [], []
    for block in document.blocks:
        rows += [row(line.split("\t")) for line in document.text[block.start : block.end].split("\n")]
        heads += [row(line.split("\t")) for line in document.text[block.start : block.head].splitlines()]
    return rows, heads


def row(cells: list[str]) -> str:
    return "|".join(map(bare, cells)).rstrip("|")


def searched(folder: Path, most_pages: int, embedder: str) -> dict[str, object]:
    """The share of questions, in percent, whose evidence's page holds some of the first five chunks."""
    home = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
    flags = {"embedder": embedder, "collection": "benchmark"}
    wiring = composition.Wiring(
        load(flags=flags, environ={"HYBRIDRAG_HOME": str(home)}, cwd=home),
        notify=lambda text: print(text, file=sys.stderr),
    )
    chosen = [path for path in sorted((folder / "pdfs").glob("*.pdf")) if pages(path) <= most_pages]
    names = {path.stem for path in chosen}
    asked = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    asked = [question for question in asked if question["doc_name"] in names]
    try:
        wiring.ingesting.ingest(
            [str(path) for path in chosen],
            source_options=SourceOptions(),
            options=IngestOptions(),
            progress=Silent(),
            stdin=io.BytesIO(),
            stdin_name=None,
        )
        report: dict[str, object] = {"files": len(chosen), "questions": len(asked)}
        for mode in MODES:
            hits = [on_page(wiring, question, mode) for question in asked]
            report[mode] = round(100 * sum(hits) / len(hits), 1)
        return report
    finally:
        wiring.store.close()
        if wiring.server is not None:
            wiring.server.stop()
        shutil.rmtree(home, ignore_errors=True)


def on_page(wiring: composition.Wiring, question: dict[str, list[dict[str, str]]], mode: Mode) -> bool:
    wanted = {(piece["doc_name"], int(piece["evidence_page_num"]) + 1) for piece in question["evidence"]}
    asked = f"{question['company']}: {question['question']}"
    hits = wiring.search(Query(asked, k=TOP, mode=mode)).hits
    return any((Path(hit.chunk.document.path).stem, hit.chunk.page) in wanted for hit in hits)


def pages(path: Path) -> int:
    with pypdfium2.PdfDocument(path) as file:
        return len(file)


if __name__ == "__main__":
    main()
