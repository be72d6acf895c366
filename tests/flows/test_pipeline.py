"""Prefetching: in order, within its bound, with its errors, and over when the reader is."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.flows.pipeline import mapped, prefetched


def one(_: object) -> int:
    return 1


@given(items=st.lists(st.integers(), max_size=40), ahead=st.integers(1, 5))
def test_everything_comes_in_order(items: list[int], ahead: int) -> None:
    with prefetched(iter(items), ahead=ahead, weight=one) as coming:
        assert list(coming) == items


def test_the_items_are_made_in_another_thread() -> None:
    def makers() -> Iterator[int]:
        yield threading.get_ident()

    with prefetched(makers(), ahead=1, weight=one) as ahead:
        assert next(ahead) != threading.get_ident()


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_comes_in_its_place(error: BaseException) -> None:
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise error

    with prefetched(failing(), ahead=4, weight=one) as ahead:
        assert (next(ahead), next(ahead)) == (1, 2)
        with pytest.raises(type(error)) as caught:
            next(ahead)
    assert caught.value is error


def test_no_more_is_made_ahead_than_allowed() -> None:
    made: list[int] = []
    resting = threading.Semaphore(0)

    def counting() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            resting.release()
            yield number

    depth = 3
    with prefetched(counting(), ahead=depth, weight=one) as ahead:
        for taken in range(1, 20):
            assert next(ahead) == taken - 1
            assert len(made) <= taken + depth
        for _ in made:
            assert resting.acquire(timeout=10)


def test_leaving_ends_the_thread_and_closes_a_generator() -> None:
    closed = threading.Event()

    def endless() -> Generator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    before = threading.active_count()
    with prefetched(endless(), ahead=2, weight=one) as ahead:
        assert next(ahead) == 1
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert closed.is_set()


def test_an_interrupt_waits_for_nothing() -> None:
    working, closed = threading.Event(), threading.Event()

    def long() -> Generator[int]:
        try:
            yield 1
            working.wait(60)
            yield 2
        finally:
            closed.set()

    with pytest.raises(KeyboardInterrupt), prefetched(long(), ahead=2, weight=one) as ahead:
        next(ahead)
        raise KeyboardInterrupt
    assert not closed.is_set()
    working.set()
    assert closed.wait(60)


def test_an_error_of_the_reader_ends_the_thread_too() -> None:
    before = threading.active_count()
    with pytest.raises(LookupError), prefetched(iter(range(1000)), ahead=2, weight=one) as ahead:
        next(ahead)
        raise LookupError
    assert threading.active_count() == before


def test_an_iterator_that_is_not_read_at_all() -> None:
    before = threading.active_count()
    with prefetched(iter(range(1000)), ahead=1, weight=one):
        pass
    assert threading.active_count() == before


def test_what_waits_is_bounded_by_its_weight() -> None:
    made: list[int] = []

    def growing() -> Iterator[int]:
        for size in (1, 1, 10, 1, 1):
            made.append(size)
            yield size

    with prefetched(growing(), ahead=3, weight=lambda size: size) as ahead:
        assert [next(ahead), next(ahead)] == [1, 1]
        assert next(ahead) == 10  # heavier than all that may wait, and yet it passes
        assert list(ahead) == [1, 1]
    assert made == [1, 1, 10, 1, 1]


def test_what_is_closed_begins_nothing_more() -> None:
    begun: list[int] = []

    def made(number: int) -> int:
        begun.append(number)
        if number:
            threading.Event().wait(0.1)  # all of them would take 5 s
        return -number

    with closing(mapped(iter(range(100)), made, workers=1, weight=one, most=50)) as work:
        assert next(work) == (0, 0)
    assert not [each for each in threading.enumerate() if each.name.startswith("hybridrag-parse")]
    assert len(begun) < 50
