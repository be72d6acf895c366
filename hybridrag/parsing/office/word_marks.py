"""How the number of a paragraph passes through mammoth: as text that no file writes, before the paragraph's words."""

from __future__ import annotations

import re

_BEGIN, _END = "\ue0f0", "\ue0f1"
"""Of a private area: mammoth takes them for text."""
_ITEM = re.compile(rf"<li>{_BEGIN}(?:([0-9]{{1,6}})[.)]|([^{_END}<]*)){_END}")
_ELSEWHERE = re.compile(rf"{_BEGIN}([^{_END}<]*){_END}")


def marked(mark: str) -> str:
    return f"{_BEGIN}{mark}{_END}"


def with_marks(html: str) -> str:
    """The HTML of mammoth with the numbers in their place: of items, and before headings and other paragraphs.

    An item whose mark is no plain number (`(a)`, `1.1`) says it in its text, as an item without a number.
    """
    html = _ITEM.sub(lambda at: f'<li value="{at[1]}">' if at[1] else f'<li type="none">{_spaced(at[2])}', html)
    return _ELSEWHERE.sub(lambda at: _spaced(at[1]), html)


def _spaced(mark: str) -> str:
    return f"{mark} " if mark else ""
