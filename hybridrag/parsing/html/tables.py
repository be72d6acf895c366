"""Tables of HTML as tables of Markdown: one header row, a row a line, merged cells told in each row they span."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hybridrag.parsing.html.tree import Node
from hybridrag.parsing.markup.writing import table_row, table_rule


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """A table's caption, empty where it has none, and its lines: header, rule, rows."""

    caption: str
    lines: list[str]


@dataclass(frozen=True, slots=True)
class _Row:
    cells: list[Node]
    in_head: bool


def as_table(node: Node, one_line: Callable[[Node], str]) -> WrittenTable | None:
    """The table in Markdown, or None for one that only lays out a page and is read as what its cells hold.

    `one_line` gives what a cell holds on one line.
    """
    rows = list(_rows(node))
    if _is_layout(node, rows):
        return None
    captions = (one_line(child) for child in node.children if isinstance(child, Node) and child.tag == "caption")
    caption = next(captions, "")
    if not caption and _begins_with_title(rows):
        caption, rows = one_line(rows[0].cells[0]), rows[1:]
    return WrittenTable(caption, list(_lines(rows, _grid(rows, one_line))))


def _rows(table: Node) -> Iterator[_Row]:
    for part in table.children:
        if isinstance(part, Node) and part.tag in _PARTS:
            for row in part.children:
                if isinstance(row, Node) and row.tag == "tr":
                    yield _Row(_cells(row), part.tag == "thead")
        elif isinstance(part, Node) and part.tag == "tr":
            yield _Row(_cells(part), False)


def _cells(row: Node) -> list[Node]:
    return [child for child in row.children if isinstance(child, Node) and child.tag in {"td", "th"}]


def _is_layout(table: Node, rows: list[_Row]) -> bool:
    if table.get("role") in {"presentation", "none"} or _holds_more_than_rows(table):
        return True
    # Only tags that matter are looked for, and a table in a table ends the search: deep ones stay cheap.
    inner = {node.tag for node in _inside(table)}
    if "table" in inner and not _holds_small_tables(rows):
        return True
    if "th" in inner or "caption" in inner:
        return max((len(row.cells) for row in rows), default=0) == 0
    if len(rows) < 2 or max(len(row.cells) for row in rows) < 2:
        return True
    return not inner.isdisjoint(_TEXT_STRUCTURE) or any(
        len(cell.text()) > _LONGEST_CELL for row in rows for cell in row.cells
    )


def _holds_small_tables(rows: list[_Row]) -> bool:
    """Whether few of many cells hold a table, a short one: the rows around it are data, and it is read as its words."""
    cells = [cell for row in rows for cell in row.cells]
    tables = 0
    for cell in cells:
        inside = 0
        for node in cell.elements():
            inside += node.tag == "table"
            if inside > 1 or (tables + inside) * _CELLS_A_TABLE > len(cells):
                return False
        if inside and len(cell.text()) > _LONGEST_REPEATED:
            return False
        tables += inside
    return True


def _inside(table: Node) -> Iterator[Node]:
    nodes = table.elements()
    next(nodes)
    for node in nodes:
        yield node
        if node.tag == "table":
            return


def _holds_more_than_rows(table: Node) -> bool:
    """Whether text or blocks stand between the rows, where HTML allows none: as a table, they would be lost."""
    waiting = [table]
    while waiting:
        node = waiting.pop()
        for child in node.children:
            if isinstance(child, str):
                if child.strip():
                    return True
            elif child.tag in _PARTS or child.tag == "tr":
                waiting.append(child)
            elif child.tag not in _ALLOWED:
                return True
    return False


def _lines(rows: list[_Row], grid: list[list[str]]) -> Iterator[str]:
    written = [row for row in zip(grid, rows, strict=True) if any(row[0])]
    if not written:
        return
    width = max(len(cells) for cells, _ in written)
    heads = _header_rows([row for _, row in written], [cells for cells, _ in written])
    header = [" / ".join(dict.fromkeys(filter(None, column))) for column in _columns(written, heads, width)]
    yield table_row(header)
    yield table_rule(width)
    for cells, _ in written[heads:]:
        yield table_row(cells + [""] * (width - len(cells)))


def _columns(written: list[tuple[list[str], _Row]], heads: int, width: int) -> Iterator[list[str]]:
    for column in range(width):
        yield [cells[column] for cells, _ in written[:heads] if column < len(cells)]


def _header_rows(rows: list[_Row], grid: list[list[str]]) -> int:
    """How many rows at the top are the header: what is marked as one, else the first where it reads like one."""
    heads = 0
    while heads < min(len(rows) - 1, _MOST_HEADS) and (rows[heads].in_head or _is_header(rows[heads])):
        heads += 1
    if heads or len(rows) < 2:
        return heads or len(rows)
    # Row headers in the first column: the first row is data like the others.
    if any(cell.tag == "th" for cell in rows[0].cells):
        return 0
    return int(not any(_NUMBER.fullmatch(cell) for cell in grid[0]))


def _begins_with_title(rows: list[_Row]) -> bool:
    """Whether the first row is one cell over all columns, above a header and rows of more."""
    if len(rows) < 3 or len(rows[0].cells) != 1 or _is_header(rows[0]):
        return False
    width = sum(_span(cell.get("colspan")) for cell in rows[1].cells)
    return len(rows[1].cells) > 1 and _span(rows[0].cells[0].get("colspan")) >= width


def _is_header(row: _Row) -> bool:
    return bool(row.cells) and all(cell.tag == "th" for cell in row.cells)


def _grid(rows: list[_Row], one_line: Callable[[Node], str]) -> list[list[str]]:
    """The cells' texts in columns. A cell over several rows stands in each, one over several columns once.

    In the header it stands over each of its columns, so that each has its whole name.
    """
    grid: list[list[str]] = []
    reaching: dict[int, tuple[int, str]] = {}
    for row in rows:
        cells: list[str] = []
        heading = row.in_head or _is_header(row)
        for cell in row.cells:
            _fill(cells, reaching)
            text = one_line(cell)
            again = text if len(text) <= _LONGEST_REPEATED else ""
            across = min(_span(cell.get("colspan")), _WIDEST - len(cells) if len(cells) < _WIDEST else 1)
            down = _span(cell.get("rowspan"))
            for number in range(max(1, across)):
                repeated = again if heading or number == 0 else ""
                if down > 1:
                    reaching[len(cells)] = (down, repeated)
                cells.append(repeated if number else text)
        _fill(cells, reaching)
        reaching = {column: (left - 1, text) for column, (left, text) in reaching.items() if left > 1}
        grid.append(cells)
    return grid


def _fill(cells: list[str], reaching: dict[int, tuple[int, str]]) -> None:
    """Adds what reaches down into this row at the place that comes next."""
    while len(cells) in reaching:
        cells.append(reaching[len(cells)][1])


def _span(written: str) -> int:
    return min(int(written), _LONGEST_SPAN) if re.fullmatch(r"[0-9]{1,6}", written.strip()) and int(written) else 1


_PARTS = frozenset({"thead", "tbody", "tfoot"})
_ALLOWED = frozenset({"td", "th", "caption", "colgroup", "col", "input"})
_TEXT_STRUCTURE = frozenset(["h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "form"])
_NUMBER = re.compile(r"[-+−]?[$€£]?\s?\d[\d.,\s]*%?[$€£]?")
_LONGEST_CELL = 1000
_LONGEST_REPEATED = 200
_CELLS_A_TABLE = 8
_LONGEST_SPAN, _WIDEST, _MOST_HEADS = 1000, 200, 4
