"""CSV and TSV: the text as written, with its table and the table's head.

A row is a line: where a quoted cell holds line breaks, they become spaces, so that a record is never cut in two.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from contextlib import suppress

from hybridrag.parsing.parsed import Parsed
from hybridrag.parsing.text import decode
from hybridrag.types import Block


def parse_table(content: bytes, media_type: str) -> Parsed:
    """The table. Its head is its header row with the few title lines above it; none where the first row is data."""
    text, notes = decode(content)
    sample = text[:_SAMPLE]
    delimiter = "\t" if media_type == "text/tab-separated-values" and "\t" in sample else _delimiter(sample)
    if delimiter is None:
        return Parsed(text=text, notes=notes)
    text = _rows_on_lines(text, delimiter)
    start, head = _head(text, delimiter)
    end = len(text.rstrip())
    return Parsed(text=text, blocks=(Block("table", start, end, min(head, end)),) if start < end else (), notes=notes)


def _delimiter(sample: str) -> str | None:
    """What cuts most rows into the same number of cells, at least two; None where nothing does."""
    declared = re.match(r"sep=([^\n])\n", sample)
    if declared:
        return declared[1]
    best: tuple[float, int, str] | None = None
    for delimiter in _DELIMITERS:
        widths = Counter(len(row) for row in _records(sample, delimiter) if row)
        several = Counter({width: rows for width, rows in widths.items() if width > 1})
        if not several:
            continue
        width, rows = max(several.items(), key=lambda found: (found[1], found[0]))
        score = (rows / widths.total(), width, delimiter)
        if (rows >= 2 or widths.total() == 1) and (best is None or score[:2] > best[:2]):
            best = score
    if best is None:
        return "," if _is_one_column(_records(sample, ",")) else None
    return best[2] if best[0] >= _ALIKE else None


def _is_one_column(rows: list[list[str]]) -> bool:
    """Whether rows of one cell each stand under a name, which is no sentence: lines of prose stand under none."""
    cells = [row[0].strip() for row in rows if row]
    if len(cells) < _FEWEST_ROWS or any(len(row) > 1 for row in rows):
        return False
    return len(cells[0].split()) <= _LONGEST_COLUMN_NAME and cells[0][-1:] not in _SENTENCE_ENDS


def _records(sample: str, delimiter: str) -> list[list[str]]:
    """The sample's rows without the last, which may be cut off."""
    rows: list[list[str]] = []
    lines = sample.split("\n")
    reader = csv.reader((line + "\n" for line in lines[:_ROWS]), delimiter=delimiter)
    with suppress(csv.Error):  # a cell too long for the reader: the rows before it tell enough
        rows.extend(reader)
    return rows[:-1] if len(sample) == _SAMPLE and len(rows) > 1 else rows


def _rows_on_lines(text: str, delimiter: str) -> str:
    if '"' not in text:
        return text
    mark = re.escape(delimiter)
    cell = re.compile(rf'(?:(?<=[\n{mark}])|\A)"[^"]*+(?:""[^"]*+)*+"(?=[\n{mark}]|\Z)')
    return cell.sub(lambda found: " ".join(found[0].split("\n")) if "\n" in found[0] else found[0], text)


def _head(text: str, delimiter: str) -> tuple[int, int]:
    """Where the table begins, its title lines included where they are short, and where its header row ends."""
    lines = text[:_SAMPLE].split("\n")[:_ROWS]
    rows = [_cells(line, delimiter) for line in lines]
    width = (
        Counter(len(row) for row in rows if len(row) > 1).most_common(1)[0][0] if any(len(r) > 1 for r in rows) else 1
    )
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    first = next((at for at, row in enumerate(rows) if _is_row(row, width)), 0)
    titles = first if starts[first] <= _LONGEST_TITLES and not text.startswith("sep=") else 0
    start = 0 if titles else starts[first]
    following = [row for row in rows[first + 1 :] if len(row) == width]
    return start, starts[first + 1] if _is_header(rows[first], following) else start


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' in line:
        with suppress(csv.Error):  # a cell too long for the reader
            return next(csv.reader([line], delimiter=delimiter), [])
    return line.split(delimiter)


def _is_row(row: list[str], width: int) -> bool:
    """Whether it belongs to the table and is no title padded with empty cells, as spreadsheets write it."""
    return len(row) == width and sum(bool(cell.strip()) for cell in row) * 2 > width


def _is_header(row: list[str], below: list[list[str]]) -> bool:
    """Whether a first row names the columns: short names, no two alike, no figures but years, none again below."""
    names = [cell.strip() for cell in row]
    given = [name for name in names if name]
    if not given or len(given) * 2 <= len(names) or len(set(given)) * 10 < len(given) * 9:
        return False
    if any(len(name) > _LONGEST_NAME or "@" in name for name in given):
        return False
    figures = [name for name in given if _FIGURE.fullmatch(name)]
    if figures:
        return all(_YEAR.fullmatch(name) for name in figures) and not any(
            name in cells for cells in below for name in figures
        )
    for at, name in enumerate(names):
        column = [cells[at].strip() for cells in below]
        numbers = sum(bool(_FIGURE.fullmatch(cell)) for cell in column)
        if name and column and numbers * 10 >= len(column) * 9:
            return True  # words above figures
    recurring = sum(name in {cells[at].strip() for cells in below} for at, name in enumerate(names) if name)
    return recurring * 4 <= len(given)


_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 256 * 1024
"""Characters that are looked at; a table does not change its ways further down."""
_ROWS = 200
_ALIKE = 0.6
"""Share of rows that must be as wide as most: title lines and notes are not, and exporters drop empty cells."""
_LONGEST_TITLES = 500
_LONGEST_NAME = 100
_FEWEST_ROWS, _LONGEST_COLUMN_NAME = 3, 4
"""Rows of a table of one column, and the words of its column's name."""
_SENTENCE_ENDS = frozenset(".!?:,;")
_FIGURE = re.compile(
    r"[-+(]?[$€£¥]?\s?[\d.,:/' \u00a0-]*\d[\d.,:/' \u00a0-]*(?:[eE][-+]?\d+)?\)?\s?[%€$£]?(?:T[\d:.]+Z?)?"
)
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
