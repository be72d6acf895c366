from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.providers.sse import Event, EventTooLargeError, parse


def data(*chunks: bytes) -> list[str]:
    return [event.data for event in parse(chunks)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_ending_separates(end: bytes) -> None:
    assert data(b"data: one" + end + end + b"data: two" + end + end) == ["one", "two"]


def test_lines_of_one_event_are_joined() -> None:
    assert data(b"data: a\ndata:\ndata: b\n\n") == ["a\n\nb"]


def test_only_one_space_after_the_colon_is_taken_away() -> None:
    assert data(b"data:a\n\ndata:  b \n\n") == ["a", " b "]


def test_comments_and_unknown_fields_are_no_events() -> None:
    assert data(b": ping\n\n:\n\nid: 4\nretry: 10\nnonsense\n\ndata: a\n: in between\ndata: b\n\n") == ["a\nb"]


def test_a_byte_order_mark_is_skipped_at_the_start_only() -> None:
    assert data(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\ndata: c\n\n") == ["a", "c"]


def test_names_belong_to_their_event() -> None:
    stream = b"event: error\ndata: a\n\ndata: b\n\nevent: lost\n\ndata: c\n\n"
    assert [(event.name, event.data) for event in parse([stream])] == [("error", "a"), ("", "b"), ("", "c")]


def test_what_no_blank_line_follows_is_marked() -> None:
    assert list(parse([b"data: a\n\ndata: [DONE]"])) == [Event("", "a"), Event("", "[DONE]", whole=False)]
    assert list(parse([b"data: a\n"])) == [Event("", "a", whole=False)]
    assert list(parse([])) == []


def test_broken_utf8_becomes_replacement_characters() -> None:
    assert data(b"data: a\xffb\n\n") == ["a�b"]


@given(st.data())
def test_cuts_do_not_matter(draw: st.DataObject) -> None:
    lines = ["data: Grüße 😀", "data:x", ": c", "event: e", "", "data", "id: 1"]
    chosen = draw.draw(st.lists(st.sampled_from(lines), max_size=20))
    ends = draw.draw(st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=len(chosen), max_size=len(chosen)))
    stream = "".join(line + end for line, end in zip(chosen, ends, strict=True)).encode()
    cuts = sorted(draw.draw(st.sets(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert list(parse(pieces)) == list(parse([stream]))
    assert list(parse(bytes([byte]) for byte in stream)) == list(parse([stream]))


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_give_the_same_events_whole_or_byte_by_byte(chunks: list[bytes]) -> None:
    stream = b"".join(chunks)
    assert list(parse(chunks)) == list(parse(bytes([byte]) for byte in stream))


@pytest.mark.parametrize(
    "stream",
    [b"data: " + b"x" * 200, b": " + b"x" * 200, b"data: xxxxxxxxxx\n" * 20, b"data\n" * 200],
    ids=["one line", "a comment", "many lines", "many empty lines"],
)
def test_an_event_is_bounded(stream: bytes) -> None:
    with pytest.raises(EventTooLargeError, match="100 bytes"):
        list(parse([stream], max_event_bytes=100))
    with pytest.raises(EventTooLargeError):
        list(parse((bytes([byte]) for byte in stream), max_event_bytes=100))


def test_many_events_are_not_one_large_one() -> None:
    assert data(*[b"data: 0123456789\n\n"] * 50) == list(["0123456789"] * 50)
    assert len(list(parse([b"data: 0123456789\n\n" * 50], max_event_bytes=100))) == 50
