"""Units of a text: what stays or goes whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering.units import LONGEST, units_of
from hybridrag.types import Span


def units(text: str, *spans: tuple[int, int]) -> list[tuple[str, str]]:
    found = units_of(text, [Span(start, end, "NAME", "t") for start, end in spans])
    return [(unit.kind, text[unit.start : unit.end]) for unit in found]


def test_each_structure_has_its_units() -> None:
    text = """# Fees

Fees are due monthly. Pay at the desk.

Setext
======
- one item
  that goes on
- another. With two sentences.

| a | b |
|---|---|
| 1 | 2 |

```sh
pay --all

# no heading
```
"""
    assert units(text) == [
        ("heading", "# Fees"),
        ("sentence", "Fees are due monthly."),
        ("sentence", "Pay at the desk."),
        ("heading", "Setext\n======"),
        ("item", "- one item\n  that goes on"),
        ("item", "- another. With two sentences."),
        ("header", "| a | b |\n|---|---|"),
        ("row", "| 1 | 2 |"),
        ("code", "```sh\npay --all\n\n# no heading\n```"),
    ]


def test_indented_lines_stay_with_the_line_they_hang_from() -> None:
    assert units("Call it so. Then wait.\ndef pay(x):\n    return x\nDone.") == [
        ("sentence", "Call it so."),
        ("sentence", "Then wait."),
        ("code", "def pay(x):\n    return x"),
        ("sentence", "Done."),
    ]


def test_a_table_without_a_rule_has_rows_only() -> None:
    assert [kind for kind, _ in units("| a | b |\n| c | d |")] == ["row", "row"]


def test_a_fence_that_is_never_closed_runs_to_the_end() -> None:
    assert units("~~~\none\n\ntwo\n```") == [("code", "~~~\none\n\ntwo\n```")]


def test_units_that_share_a_span_are_one() -> None:
    text = "Ask Dr. J. Smith. Jones knows. Nobody else does."
    start = text.index("Smith")
    assert [piece for _, piece in units(text, (start, start + len("Smith. Jones")))] == [
        "Ask Dr. J. Smith. Jones knows.",
        "Nobody else does.",
    ]
    # What only touches a border is not inside of it.
    assert len(units(text, (start, start + len("Smith.")))) == 3


def test_a_heading_that_a_span_joins_with_the_text_is_none() -> None:
    text = "# Miller\nSons Ltd. pays."
    assert units(text, (2, text.index(" Ltd"))) == [("sentence", text)]


def test_what_is_long_is_cut_at_a_blank_and_never_in_a_span() -> None:
    line = "word " * 1_000
    pieces = [piece for _, piece in units(line)]
    assert all(len(piece) <= LONGEST and not piece.startswith("ord") for piece in pieces)
    assert " ".join(pieces) == line.strip()
    assert [len(piece) for _, piece in units("x" * 5_000, (0, 4_990))] == [4_990, 10]


@given(
    st.text(st.sampled_from("aB 1.:!?。\n\t|-=#`~*検"), max_size=200),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=5),
)
def test_units_are_in_order_and_hold_all_but_white_space(text: str, pairs: list[tuple[int, int]]) -> None:
    spans = [(a, b) for a, b in pairs if a < b <= len(text)]
    end = 0
    for unit in units_of(text, [Span(a, b, "NAME", "t") for a, b in spans]):
        assert end <= unit.start < unit.end
        assert not text[end : unit.start].strip()
        assert not any(a < border < b for a, b in spans for border in (unit.start, unit.end))
        end = unit.end
    assert not text[end:].strip()
