"""A detector in a process of its own: whatever it does, there is an answer or an error, and no connection."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.confined import Confined, ConfinedError
from hybridrag.privacy.scanning import scan
from hybridrag.types import Span

PLUGINS = "tests.privacy.plugins"


def confined(kind: str, seconds: float = 60.0) -> Confined:
    return Confined(f"{PLUGINS}:{kind}", label=kind.lower(), seconds=seconds)


def test_it_finds_what_the_detector_finds() -> None:
    detector = confined("Badges")
    assert (detector.name, detector.version) == ("badges", "3")
    text = "\ud800🙂 B-1234, B-77 and B-9999\0"
    assert detector.detect(text) == [Span(3, 9, "BADGE", "badge"), Span(20, 26, "BADGE", "badge")]
    assert detector.detect("") == []
    assert len(detector.detect("B-0000 " * 200_000)) == 200_000


def test_threads_take_turns() -> None:
    detector = confined("Badges")
    texts = [f"{'x' * number} B-{number:04}" for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        for text, spans in zip(texts, pool.map(detector.detect, texts), strict=True):
            assert [text[span.start : span.end] for span in spans] == [text[-6:]]


@pytest.mark.parametrize("kind", ["Raises", "Dies", "Outside", "Oddly", "Numbers", "Resolves"])
def test_what_goes_wrong_blocks_and_quotes_nothing(kind: str) -> None:
    with pytest.raises(BlockedByPolicy) as caught:
        scan("a private matter", [confined(kind)])
    assert "private" not in str(caught.value) + str(caught.value.__cause__)


@pytest.mark.parametrize("kind", ["Hangs", "Sleeps"])
def test_what_hangs_is_ended(kind: str) -> None:
    detector = confined(kind, seconds=0.5)
    detector.ready()
    begun = time.monotonic()
    with pytest.raises(ConfinedError, match="no answer"):
        detector.detect("anything")
    assert time.monotonic() - begun < 60
    with pytest.raises(ConfinedError):
        detector.detect("anything")


def test_an_answer_to_an_interrupted_question_is_nobodys() -> None:
    detector = confined("Sleeps")
    detector.ready()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            detector.detect("anything")
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ConfinedError):
        detector.detect("anything else")


def test_it_cannot_connect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        with pytest.raises(ConfinedError, match="PermissionError"):
            confined("Phones").detect(str(server.getsockname()[1]))
        with pytest.raises(TimeoutError):
            server.accept()


def test_what_it_prints_is_no_answer() -> None:
    assert len(confined("Chatty").detect("B-1234")) == 1


def test_it_sees_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", "x")
    assert "TOGETHER_API_KEY" not in confined("Keys").version
    assert "PATH" in confined("Keys").version


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (f"{PLUGINS}:not_a_detector", "TypeError"),
        (f"{PLUGINS}:Nameless", "TypeError"),
        (f"{PLUGINS}:absent", "AttributeError"),
        ("tests.privacy.absent:x", "ModuleNotFoundError"),
        (f"{PLUGINS}:unable", "OSError"),
    ],
)
def test_what_cannot_be_loaded_blocks(target: str, told: str) -> None:
    with pytest.raises(BlockedByPolicy, match=told) as caught:
        Confined(target, label="theirs").ready()
    assert "theirs" in caught.value.message
    assert "/secret" not in caught.value.message
    assert caught.value.hint


def test_it_ends_with_its_object() -> None:
    detector = confined("Badges")
    detector.ready()
    child = detector._process
    detector.close()
    assert not child.alive
    with pytest.raises(ConfinedError):
        detector.detect("B-1234")
    other = confined("Badges")
    popen = other._process._process
    del other
    assert popen.wait(30) is not None


@pytest.mark.skipif(sys.platform != "linux", reason="there a process may die with a thread")
def test_it_outlives_the_thread_that_started_it() -> None:
    made: list[Confined] = []
    before = threading.active_count()
    thread = threading.Thread(target=lambda: made.append(confined("Badges")))
    thread.start()
    thread.join()
    while Path(f"/proc/self/task/{thread.native_id}").exists():
        pass  # it ends a moment later
    assert threading.active_count() == before
    assert len(made[0].detect("B-1234")) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells who is whose child")
def test_it_leaves_no_open_file_behind() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        one = confined("Badges")
        one.ready()
        one.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
