"""Numbers as lists show them: `2`, `b`, `B`, `ii`, `II`."""

from __future__ import annotations

_ROMAN = [
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
]  # fmt: skip
_MOST_LETTERS = 26 * 9


def numeral(number: int, form: str) -> str:
    """A number as `1`, `a`, `A`, `i` or `I` say, which are its forms; empty for the empty form."""
    if form in {"a", "A"} and 0 < number <= _MOST_LETTERS:
        letters = chr(ord(form) + (number - 1) % 26)
        return letters * ((number - 1) // 26 + 1)
    if form in {"i", "I"} and 0 < number < 4000:
        said = ""
        for value, sign in _ROMAN:
            said += sign * (number // value)
            number %= value
        return said if form == "i" else said.upper()
    return str(number) if form else ""
