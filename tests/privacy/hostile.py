"""Texts made to be costly, `size` characters of one pattern each, and whether work grows too fast with their length."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Iterator

TICK = 0.005
"""Seconds. Below that, a clock's tick or a table filled for the first time is what is measured."""


def seconds(work: Callable[[str], Iterable[object]], text: str, *, runs: int = 2) -> float:
    """CPU time of this process, which its neighbours disturb less than the wall clock: the shortest of some runs."""
    return min(_times(work, text, runs=runs))


def _times(work: Callable[[str], Iterable[object]], text: str, *, runs: int) -> Iterator[float]:
    for run in range(runs):
        fresh = text + " " * run  # what was kept of an earlier run does not help
        started = time.process_time()
        for _ in work(fresh):
            pass
        yield time.process_time() - started


def takes_less(bound: float, work: Callable[[str], Iterable[object]], *, small: str, large: str, runs: int = 2) -> bool:
    """Whether the `large` text takes less than `bound` times as long as the `small` one, by the shortest of some runs.

    The large one has another run only where all before took too long.
    """
    most = bound * max(seconds(work, small, runs=runs), TICK)
    return any(taken < most for taken in _times(work, large, runs=runs))


def is_linear(
    work: Callable[[str], Iterable[object]], unit: str, *, size: int = 20_000, times: int = 10, bound: float = 40
) -> bool:
    """Whether `times` as much text takes less than `bound` times as long: it takes about `times` as long, and the
    square of that where `work` is at fault."""
    make = over_and_over(unit)
    return takes_less(bound, work, small=make(size), large=make(size * times))


def over_and_over(pattern: str) -> Callable[[int], str]:
    return lambda size: (pattern * (size // len(pattern) + 1))[:size]


def _nested_base64(size: int) -> str:
    content = b"password=hunter2 "
    while len(content) < size:
        content = base64.b64encode(content * 3)
    return content[:size].decode()


HOSTILE: dict[str, Callable[[int], str]] = {
    repr(pattern): over_and_over(pattern)
    for pattern in (
        "@", "a@", "@.", "a.b@", "a at ", "a dot ", "[at]", "(dot)", "a@b.", "a@\n", "://", "a://b:", "a://b:c@",
        "?key=", "&a=", "-----BEGIN", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----AAAAAAAAAAAAAAAAAAAAAAA\n", "eyJ", "eyJhbGci.",
        "password=", "password='", 'password="\\"', "password is ", "token ", "key: a", "pass", "secret = (",
        "getenv('KEY', ", "&amp;", "&#38;", "&", "%25", "%", "%E4%", "\\", "\\u005c", "\\\\u0041", "=\n", "=40",
        "=\r\n ", "\u200b", "a\u200b", "\u0336", "a\u0336", "\ufb01", "\u2163", "\U000e0061", "\u0430b", "1 ", "1-",
        "+1", "1.", "12.", "1:", "a:", "4111 ", "a b ", " a", "<b>", "<", "<!--", "<a ", "a`", "a**", "_@", "_._",
        "one ", "one-", "f\u00fcnf ", "a-\n", "\n", "\r\n> ", "\t", " ", "{", "[", "\u27e6", "\u27e7", "\u27e6A_1",
        "\ufdd0", "\x00", "0x41, ", "\\x41", "41 ", "414243", "QUJD", "QUJDREVG\n", "H4sIAAAAAAAA/", "eJwDAAAAAAAA ",
        "AKIA", "sk-", "ghp_", "a_live_", "$2b$12$", "Bearer ", "Authorization: ", "cookie: session=",
        "kind: Secret\ndata:\n  a: b\n", "name: password\nvalue: ", "a:1:b:c:", "<D>", "DE89", "\uff21",
        "\u4e2d\u6587", "A", "a1", "aA1-",
    )
}  # fmt: skip
HOSTILE["base64 of base64"] = _nested_base64
HOSTILE["one long word in brackets"] = lambda size: "[" * (size // 2) + "]" * (size // 2)
"""By name; each makes a text of about that many characters."""
