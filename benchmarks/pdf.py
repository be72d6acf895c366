"""PDF: the text on the right page, words kept apart, and pages a second beside the libraries alone.

    python benchmarks/pdf.py --data FOLDER [--rounds 3]

FOLDER is FinanceBench's sample: `questions.jsonl`, each line with evidence texts and their pages counted from 0, and
the filings in `pdfs/`. Evidence counts as found if its letters and digits stand on the page it names. Rates are of two
processes over all filings, in turns; the guarded parser's are with its children's start, pipes and checks. On a machine
that does other things too, read the processor seconds. Without FOLDER it says so and ends with status 0.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from hybridrag.parsing import GuardedParser
from hybridrag.types import Document, RawDocument

Pages = list[str]
_WORKERS = 2
_LONG = 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="FinanceBench's sample")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.data is None or not (options.data / "questions.jsonl").is_file():
        print(json.dumps({"skipped": "no questions.jsonl: give FinanceBench's sample with --data FOLDER"}))
        return
    files = {path.stem: path.read_bytes() for path in sorted((options.data / "pdfs").glob("*.pdf"))}
    asked = [json.loads(line) for line in (options.data / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    evidence = [found for question in asked for found in question["evidence"]]
    readers: dict[str, Callable[[], tuple[dict[str, Pages], float]]] = {
        "pypdfium2": lambda: by_library(by_pypdfium2, files),
        "kreuzberg": lambda: by_library(by_kreuzberg, files),
        "hybridrag": lambda: by_hybridrag(files),
    }
    texts: dict[str, dict[str, Pages]] = {}
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    processor: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(options.rounds):
        for name, read in readers.items():
            before = processor_seconds()
            texts[name], took = read()
            seconds[name].append(took)
            processor[name].append(processor_seconds() - before)
    pages = sum(map(len, texts["pypdfium2"].values()))
    report = {
        "files": len(files),
        "pages": pages,
        **{
            name: {
                "pages_per_second": [round(pages / took) for took in seconds[name]],
                "processor_seconds": [round(took, 1) for took in processor[name]],
                **quality(texts[name], evidence),
            }
            for name in readers
        },
        "hybridrag_of_pypdfium2": ratio(seconds["pypdfium2"], seconds["hybridrag"]),
        "in_processor_seconds": ratio(processor["pypdfium2"], processor["hybridrag"]),
    }
    json.dump(report, sys.stdout, indent=2)
    print()


def ratio(alone: list[float], ours: list[float]) -> float:
    return round(statistics.median(one / other for one, other in zip(alone, ours, strict=True)), 2)


def processor_seconds() -> float:
    """Of this process and of those of its children that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(of.ru_utime + of.ru_stime for of in spent)


def by_library(read: Callable[[bytes], Pages], files: Mapping[str, bytes]) -> tuple[dict[str, Pages], float]:
    with ProcessPoolExecutor(_WORKERS) as pool:
        return _timed(pool, read, files)


def by_hybridrag(files: Mapping[str, bytes]) -> tuple[dict[str, Pages], float]:
    def read(content: bytes) -> Pages:
        document = parser.parse(RawDocument("box", "a.pdf", content, "application/pdf", b""))
        assert isinstance(document, Document), document
        return [document.text[page.start : page.end] for page in document.pages]

    with GuardedParser(workers=_WORKERS) as parser, ThreadPoolExecutor(_WORKERS) as pool:
        return _timed(pool, read, files)


def _timed(
    pool: Executor, read: Callable[[bytes], Pages], files: Mapping[str, bytes]
) -> tuple[dict[str, Pages], float]:
    """The pages of each file, and seconds. The largest files go first, so that no process waits for the other."""
    ordered = sorted(files, key=lambda name: -len(files[name]))
    started = time.perf_counter()
    texts = dict(zip(ordered, pool.map(read, [files[name] for name in ordered]), strict=True))
    return texts, time.perf_counter() - started


def by_pypdfium2(content: bytes) -> Pages:
    import pypdfium2

    file = pypdfium2.PdfDocument(content)
    texts = []
    for number in range(len(file)):
        page = file[number]
        text = page.get_textpage()
        texts.append(text.get_text_range())
        text.close()
        page.close()
    file.close()
    return texts


def by_kreuzberg(content: bytes) -> Pages:
    import kreuzberg

    settings = kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        output_format="plain",
        pages=kreuzberg.PageConfig(extract_pages=True),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
    found = kreuzberg.extract_bytes_sync(content, "application/pdf", config=settings).pages or []
    return [page["content"] for page in sorted(found, key=lambda page: page["page_number"])]


def quality(texts: Mapping[str, Pages], evidence: list[dict[str, str]]) -> dict[str, object]:
    missed = [
        f"{piece['doc_name']}, page {int(piece['evidence_page_num']) + 1}"
        for piece in evidence
        if bare(piece["evidence_text"]) not in bare(texts[piece["doc_name"]][int(piece["evidence_page_num"])])
    ]
    tokens = [token for pages in texts.values() for page in pages for token in page.split()]
    long = [token for token in tokens if len(re.sub(r"[\W\d_]", "", token)) > _LONG]
    return {
        "evidence_found": round(1 - len(missed) / len(evidence), 3),
        "evidence": len(evidence),
        "missed": missed,
        "tokens": len(tokens),
        "long_tokens": len(long),
        "long_tokens_percent": round(100 * len(long) / len(tokens), 4),
    }


def bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


if __name__ == "__main__":
    main()
