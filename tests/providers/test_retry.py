from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.providers.retry import backoff, retry_after

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("0", 0),
        (" 17 ", 17),
        ("1.5", 1.5),
        ("-5", None),
        ("inf", None),
        ("nan", None),
        ("1e9", None),
        ("٣", None),
        ("²", None),
        (".", None),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30),
        ("Fri, 20 Nov 2026 13:00:30 +0100", 30),
        ("Fri, 20 Nov 2026 12:00:30 -0000", 30),
        ("Friday, 20-Nov-26 12:00:30 GMT", 30),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("Fri, 99 Nov 2026 12:00:30 GMT", None),
        ("9" * 400, float("inf")),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(st.text(max_size=40))
def test_any_header_is_survived(value: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or seconds >= 0


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_backoff_is_jittered_and_bounded(attempt: int, chance: float) -> None:
    assert 0 <= backoff(attempt, chance) <= min(20, 2 ** (attempt - 1))
    assert backoff(attempt, 0) == 0


def test_backoff_doubles() -> None:
    assert [backoff(attempt, 0.5) for attempt in range(1, 8)] == [0.5, 1, 2, 4, 8, 10, 10]
