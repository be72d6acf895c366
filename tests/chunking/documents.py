"""Documents of every shape, with headings and pages that fit their text."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from hybridrag.types import Block, BlockKind, Document, Heading, Page


@dataclass
class Writer:
    """Builds a document piece by piece."""

    text: str = ""
    headings: list[Heading] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    pages: list[int] = field(default_factory=lambda: [0])

    def heading(self, level: int, title: str) -> Writer:
        self.headings.append(Heading(len(self.text), level, title))
        return self.add(f"{'#' * level} {title}\n\n")

    def add(self, text: str) -> Writer:
        self.text += text
        return self

    def block(self, kind: BlockKind, text: str, *, head: int = 0) -> Writer:
        """A block whose first `head` characters are its head."""
        start = len(self.text)
        self.blocks.append(Block(kind, start, start + len(text), start + min(head, len(text))))
        return self.add(text)

    def page(self) -> Writer:
        self.pages.append(len(self.text))
        return self

    def document(self, *, title: str = "Travel policy", path: str = "a.md") -> Document:
        ends = [*self.pages[1:], len(self.text)]
        pages = tuple(Page(n, start, end) for n, (start, end) in enumerate(zip(self.pages, ends, strict=True), start=1))
        return Document(
            source="handbook",
            path=path,
            text=self.text,
            title=title,
            media_type="text/markdown",
            content_hash=b"",
            headings=tuple(self.headings),
            blocks=tuple(self.blocks),
            pages=pages if len(pages) > 1 else (),
        )


WORDS = [
    "the",
    "travel",
    "allowance",
    "Übernachtung",
    "of",
    "naïve",
    "ERR-4012",
    "62",
    "finance",
    "検索",
    "a" * 60,
    "🙂",
]
_word = st.sampled_from(WORDS)
_sentence = st.lists(_word, min_size=1, max_size=30).map(lambda words: " ".join(words) + ". ")
_paragraph = st.lists(_sentence, min_size=1, max_size=8).map(lambda parts: "".join(parts) + "\n\n")
_code = st.lists(_word, min_size=1, max_size=20).map(lambda words: "```python\n" + "\n\n".join(words) + "\n```\n\n")
_solid = st.sampled_from(["QmFzZTY0" * 100, "検索は文書を探す。" * 60, "x" * 900, "\x01" * 400, " " * 300, "\n" * 50])
_row = st.lists(_word, min_size=1, max_size=12).map(lambda cells: "| " + " | ".join(cells) + " |\n")
_item = st.builds("{}- {}\n".format, st.sampled_from(["", "  ", "    "]), _sentence)
_lines = st.one_of(st.lists(st.one_of(_row, _item), min_size=1, max_size=30).map("".join), _code, _solid, st.text())
_block = st.one_of(_paragraph, _code, _solid, st.text(max_size=80))
_kind: st.SearchStrategy[BlockKind] = st.sampled_from(("table", "code", "list"))
_title = st.one_of(st.sampled_from(["Meals", "Hotels and nights", "報告", "a" * 400]), st.text("abc ", max_size=12))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document of blocks: prose, code, solid text, noise, under headings of any level, on some pages."""
    writer = Writer()
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["text", "text", "block", "heading", "page"]))
        if kind == "heading":
            writer.heading(draw(st.integers(1, 6)), draw(_title))
        elif kind == "page":
            writer.page()
        elif kind == "block":
            writer.block(draw(_kind), draw(_lines), head=draw(st.integers(0, 60)))
        else:
            writer.add(draw(_block))
    return writer.document(title=draw(_title) or "-")
