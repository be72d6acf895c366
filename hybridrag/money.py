"""Amounts of money as people read them."""

from __future__ import annotations

import math


def dollars(amount: float) -> str:
    """An amount as people read it: cents, and below them two digits that count. $1.25, $0.0031, $0."""
    if not amount:
        return "$0"
    decimals = max(2, 1 - math.floor(math.log10(abs(amount))))
    return f"${amount:,.{min(decimals, 9)}f}"
