"""The child process: what it is given, what it costs, what happens when it goes wrong."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridrag.parsing import GuardedParser
from hybridrag.types import Document, RawDocument, Skipped

Raw = Callable[[str, bytes, str], RawDocument]

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
MARKDOWN = "text/markdown"
GREEDY = b"# a\n\ntext *x*\n" * 140_000  # parses in a second and more, and takes more than 100 MB


def running_child(parser: GuardedParser, raw: Raw) -> int:
    assert isinstance(parser.parse(raw("a.md", b"# A", MARKDOWN)), Document)
    assert parser.child_pid is not None
    return parser.child_pid


def test_one_child_serves_many_files(parser: GuardedParser, raw: Raw) -> None:
    assert running_child(parser, raw) == running_child(parser, raw)


def test_text_that_needs_no_parsing_needs_no_child(raw: Raw) -> None:
    with GuardedParser() as fresh:
        assert isinstance(fresh.parse(raw("a.txt", "größer".encode(), "text/plain")), Document)
        assert isinstance(fresh.parse(raw("a.dart", b"int x = 1;", "text/x-dart")), Document)
        assert fresh.child_pid is None
        # What takes time or memory does not take the program's own.
        assert isinstance(fresh.parse(raw("a.txt", b"words " * 200_000, "text/plain")), Document)
        assert fresh.child_pid is not None


def test_what_a_file_must_know_is_copied_from_its_source(parser: GuardedParser) -> None:
    given = RawDocument(
        "s", "p", b"text", "text/plain", b"hash", None, "id-1", "Given", {"label": "secret", "date": "2026-01-02"}
    )
    document = parser.parse(given)
    assert isinstance(document, Document)
    assert (document.uri, document.content_hash, document.external_id) == ("s/p", b"hash", "id-1")
    assert (document.title, document.metadata["label"]) == ("Given", "secret")
    assert document.date is not None
    assert document.date.isoformat() == "2026-01-02T00:00:00+00:00"


def test_metadata_is_bounded_and_the_label_is_the_last_to_go(parser: GuardedParser) -> None:
    metadata = {f"key{number}": "x" * 1000 for number in range(2000)} | {"label": "confidential", "nul": "a\0b"}
    document = parser.parse(RawDocument("s", "p", b"text", "text/plain", b"h", metadata=metadata))
    assert isinstance(document, Document)
    assert document.metadata["label"] == "confidential"
    assert 10 < len(document.metadata) < 100
    assert any("metadata" in note for note in document.notes)


def test_a_killed_child_is_replaced_and_no_file_is_blamed(raw: Raw) -> None:
    with GuardedParser() as parser:
        first = running_child(parser, raw)
        os.kill(first, signal.SIGKILL)
        assert running_child(parser, raw) != first


def test_a_file_that_takes_too_long_costs_that_file(raw: Raw) -> None:
    with GuardedParser(timeout_s=0.3) as parser:
        slow = parser.parse(raw("slow.md", GREEDY, MARKDOWN))
        assert isinstance(slow, Skipped)
        assert (slow.reason, slow.failed) == ("took longer than 0.3 s to parse", True)
        assert parser.child_pid is None


def test_a_file_that_takes_too_much_memory_costs_that_file(raw: Raw) -> None:
    with GuardedParser(memory=160 * 1024**2) as parser:
        running_child(parser, raw)
        greedy = parser.parse(raw("greedy.md", GREEDY, MARKDOWN))
        assert isinstance(greedy, Skipped)
        assert "memory" in greedy.reason
        assert greedy.failed
        running_child(parser, raw)


def test_text_is_bounded(raw: Raw) -> None:
    with GuardedParser(max_text=100) as parser:
        for name, media_type in (("a.md", MARKDOWN), ("a.txt", "text/plain")):
            fits, over = (parser.parse(raw(name, b"x" * size, media_type)) for size in (100, 101))
            assert isinstance(fits, Document)
            assert isinstance(over, Skipped)
            assert over.reason == "holds more than 100 characters of text"


def test_threads_take_turns(parser: GuardedParser, raw: Raw) -> None:
    texts = [f"# Title {number}\n\n{'x' * number * 100}" for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(lambda text: parser.parse(raw("a.md", text.encode(), MARKDOWN)), texts))
    assert [document.text for document in documents if isinstance(document, Document)] == texts


def test_closing_ends_the_child_and_a_later_file_starts_another(raw: Raw) -> None:
    parser = GuardedParser()
    pid = running_child(parser, raw)
    parser.close()
    assert parser.child_pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert running_child(parser, raw) != pid
    parser.close()
    parser.close()


@on_linux
def test_the_child_has_no_secrets_and_an_empty_folder(
    raw: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-live-123")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    # What stands in the current folder must not be imported or read as settings.
    (tmp_path / "json.py").write_text("raise SystemExit")
    (tmp_path / "kreuzberg.toml").write_text("broken [")
    with GuardedParser() as parser:
        assert isinstance(parser.parse(raw("a.html", b"<p>Hello</p>", "text/html")), Document)
        proc = Path(f"/proc/{parser.child_pid}")
        environment = dict(entry.split(b"=", 1) for entry in (proc / "environ").read_bytes().split(b"\0") if entry)
        folder = (proc / "cwd").readlink()
        assert set(environment) == {
            b"PATH", b"LANG", b"TMPDIR", b"MALLOC_ARENA_MAX", b"RAYON_NUM_THREADS", b"TOKIO_WORKER_THREADS",
        }  # fmt: skip
        assert list(folder.iterdir()) == []
        assert {(proc / "fd" / name).readlink().name for name in "012"} == {"null"}
    assert not folder.exists()


@on_linux
def test_the_child_has_no_network(parser: GuardedParser, raw: Raw) -> None:
    probe = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x50000000) and 1)"
    if subprocess.run([sys.executable, "-c", probe]).returncode:
        pytest.skip("this system refuses network namespaces")
    own, other = Path("/proc/self/ns/net"), Path(f"/proc/{running_child(parser, raw)}/ns/net")
    assert own.readlink() != other.readlink()
    interfaces = Path(f"/proc/{parser.child_pid}/net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] in ([], ["lo"])


@on_linux
def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    program = """
import sys
from hybridrag.parsing import GuardedParser
from hybridrag.types import RawDocument
parser = GuardedParser()
parser.parse(RawDocument("s", "a.md", b"# A", "text/markdown", b"h"))
print(parser.child_pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TMPDIR": str(tmp_path)},  # where it leaves its folder behind
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
        ended, _, _ = select.select([child], [], [], 60)
        os.close(child)
    assert ended


def test_no_word_of_a_broken_file_is_repeated(files: Path, skipped: Callable[[str, bytes, str], Skipped]) -> None:
    whole = (files / "handbook.docx").read_bytes()
    for content in (whole[:3000], b"PK\x03\x04 Berths are booked early", b"Berths are booked early"):
        reason = skipped("a.docx", content, "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
        assert reason.failed
        assert "Berths" not in reason.reason + reason.hint


def test_each_document_tells_what_made_it(parser: GuardedParser, raw: Raw) -> None:
    page, text = (
        parser.parse(raw("a.html", b"<p>Hello</p>", "text/html")),
        parser.parse(raw("a.txt", b"x", "text/plain")),
    )
    assert isinstance(page, Document)
    assert isinstance(text, Document)
    assert "markdown-it-py/" in page.parser
    assert "kreuzberg/" not in text.parser
    assert {page.parser, text.parser} <= parser.versions
