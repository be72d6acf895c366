"""Marks in an answer back to values: one pass, exact ids, also while the answer is still arriving."""

from __future__ import annotations

import re

from hybridrag.privacy.pseudonyms import LONGEST_MARK, MARK, Pseudonyms

# What a mark may look like while it is not complete.
_BEGINNING = re.compile(
    r"⟦(?:[A-Za-z]{0,10}|[A-Za-z]{1,10}_[0-9]{0,5}|[A-Za-z]{1,10}_[0-9]{1,5}[a-z]{0,2}"
    r"|[A-Za-z]{1,10}-[0-9a-f]{0,8}|[A-Za-z]{1,10}(?:_[0-9]{1,5}[a-z]{0,2}|-[0-9a-f]{8})?·[0-9a-f]{0,10})"
)


class Restorer:
    """Gives back text as it arrives, values in place of marks.

    Text is held back only from an opening bracket that may yet become a mark, never more than 32 characters. What was
    put in is not looked at again. `unknown` lists the marks that stand for nothing here; they stay in the text.
    """

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._held = ""
        self._unknown: dict[str, None] = {}

    @property
    def held(self) -> str:
        """The end of what was fed that is not given back yet."""
        return self._held

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(self._unknown)

    def feed(self, delta: str) -> str:
        """The text that is certain after `delta`; "" while a mark is incomplete."""
        text = self._held + delta
        opening = text.rfind("⟦")
        keep = len(text)
        if opening >= 0 and len(text) - opening < LONGEST_MARK and _BEGINNING.fullmatch(text, opening):
            keep = opening
        self._held = text[keep:]
        return MARK.sub(self._resolve, text[:keep])

    def flush(self) -> str:
        """What was held back, at the end of the answer: an unfinished mark stays as it is."""
        held, self._held = self._held, ""
        return held

    def _resolve(self, mark: re.Match[str]) -> str:
        value = self._pseudonyms.value(mark)
        if value is not None:
            return value.text
        if not self._pseudonyms.is_given(mark):
            self._unknown[mark.group()] = None
        return mark.group()
