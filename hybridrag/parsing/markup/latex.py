"""LaTeX: the text as written, with its sections, tables, listings and lists. No macro is carried out, no file read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import decode
from hybridrag.parsing.titles import first_title
from hybridrag.types import Block, BlockKind, Heading


def parse_latex(content: bytes) -> Parsed:
    """The document; title, author and date come from their commands, else the title is the first heading."""
    text, notes = decode(content)
    blocks = tuple(_blocks(text))
    verbatim = iter([*((block.start, block.end) for block in blocks if block.kind == "code"), None])
    hidden = next(verbatim)
    headings: list[Heading] = []
    metadata: dict[str, str] = {}
    for found in _COMMAND.finditer(text):
        while hidden is not None and hidden[1] <= found.start():
            hidden = next(verbatim)
        if found["name"] is None or (hidden is not None and hidden[0] <= found.start()):
            continue
        argument = spoken(_argument(text, found.end()))
        if not argument:
            continue
        if found["name"] in _LEVELS:
            headings.append(Heading(found.start(), _LEVELS[found["name"]], argument))
        else:
            metadata.setdefault(found["name"], argument)
    topmost = min((heading.level for heading in headings), default=1)  # an article has neither parts nor chapters
    headings = [replace(heading, level=heading.level - topmost + 1) for heading in headings]
    title = metadata.pop("title", None)
    return Parsed(
        text=text,
        title=title or first_title(headings),
        headings=tuple(headings),
        blocks=blocks,
        metadata=metadata,
        date=read_date(metadata.get("date")),
        notes=notes,
    )


def spoken(written: str) -> str:
    """The words of a piece of LaTeX: `Travel \\& \\emph{expense}~rules` is `Travel & expense rules`."""
    bare = re.sub(r"\\(?:label|index|footnote|thanks|cite\w*|ref)\*?\{[^{}]*\}", "", written)
    bare = re.sub(r"\\and\b", ", ", bare)
    bare = re.sub(r"\\([&%$#_{} ])", r"\1", bare)
    bare = re.sub(r"\\[A-Za-z]+\*?\s*|[{}$]|\\\\", "", bare).replace("~", " ").replace("``", "“").replace("''", "”")
    return re.sub(r"\s+,", ",", one_line(bare))


def _argument(text: str, start: int) -> str:
    """What stands between the braces that open before `start`."""
    depth = 1
    for brace in re.finditer(r"\\.|[{}]", text[start : start + 500], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[start : start + brace.start()]
    return ""


def _blocks(text: str) -> Iterator[Block]:
    """The outermost listings, tables and lists."""
    opened: list[tuple[str, int]] = []
    for found in _ENVIRONMENT.finditer(text):
        if found["which"] is None:
            continue
        name = found["name"].rstrip("*")
        if found["which"] == "begin":
            if not (opened and _KINDS[opened[-1][0]] == "code"):
                opened.append((name, found.start()))
        elif opened and opened[-1][0] == name:
            start = opened.pop()[1]
            if not opened:
                kind = _KINDS[name]
                yield Block(kind, start, found.end(), _head(text, start, found.end()) if kind == "table" else start)


def _head(text: str, start: int, end: int) -> int:
    """Where a table's head ends: at the rule below its first row."""
    rules = [rule.end() for rule in _RULE.finditer(text, start, end)]
    middle = next((rule.end() for rule in re.finditer(r"\\midrule[^\n]*\n?|\\endhead[^\n]*\n?", text[start:end])), None)
    if middle is not None:
        last = text.rfind("\\endhead", start, end)
        return max(start + middle, last + len("\\endhead\n")) if last >= 0 else start + middle
    return rules[1] if len(rules) > 2 else start


_LEVELS = {"part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5, "paragraph": 6}
_COMMAND = re.compile(
    r"(?<!\\)%[^\n]*|\\(?P<name>part|chapter|section|subsection|subsubsection|paragraph|title|author|date)\*?"
    r"(?:\[[^\[\]\n]*\])?\s?\{"
)
_KINDS: dict[str, BlockKind] = {
    **dict.fromkeys(("verbatim", "lstlisting", "minted", "Verbatim", "Shaded", "alltt"), "code"),
    **dict.fromkeys(("table", "tabular", "tabularx", "longtable", "tabulary"), "table"),
    **dict.fromkeys(("itemize", "enumerate", "description"), "list"),
}
_ENVIRONMENT = re.compile(rf"(?<!\\)%[^\n]*|\\(?P<which>begin|end)\{{(?P<name>(?:{'|'.join(_KINDS)})\*?)\}}")
_RULE = re.compile(r"\\(?:hline|toprule|bottomrule)[^\n]*\n?")
