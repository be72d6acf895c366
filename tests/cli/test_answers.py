"""How an answer is shown, to people on terminals of any width, to pipes, and as JSON."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.cli.answers import AnswerWriter, answer_json, show_answer, usage_line
from hybridrag.cli.console import one_line
from hybridrag.cli.hyperlinks import linked, takes_links
from hybridrag.flows.freshness import Freshness
from hybridrag.flows.places import Place
from hybridrag.types import Answer, Citation, Quote, Sentence, Usage
from tests.answering.hits import chunk
from tests.cli.terminals import without_colours

QUOTE = (
    "Travel is approved by the head of the department,\nand the allowance is 62 euros a day for everybody who travels."
)
CITED = chunk(QUOTE, headings=("Travel", "Who approves what, and how long that takes"))
PAGED = chunk("Sixty-two euros.", path="report.pdf", page=3)
ANSWER = Answer(
    question="How much?",
    text="It is 62 euros [1]. It was 50 before [?].",
    mode="provider",
    sentences=(
        Sentence("It is 62 euros.", (1,), supported=True, claimed=(1, 2)),
        Sentence("It was 50 before.", (), supported=False, reason="no passage says 50"),
    ),
    citations=(Citation(1, CITED, (Quote(0, QUOTE),)), Citation(2, PAGED, (Quote(0, PAGED.text),))),
    abstained=False,
    complete=True,
    warnings=("1 of 2 sentences are borne out by no passage",),
    provider="together",
    model="some/model",
    usage=Usage(1204, 96, "provider", 0.0003),
    redactions={"EMAIL": 2, "IBAN": 1},
    ledger_id="abc",
    timings_ms={"total": 3.0},
)
PLACES = {1: Place("/home/user/hand book/travel.md", 12)}
FRESHNESS = Freshness(
    datetime(2026, 11, 20, 12, tzinfo=UTC), 18 * 3600.0, missing=("handbook/old.md",), changed=("handbook/travel.md",)
)


@dataclass
class Terminal:
    """The other end of a terminal. It is stdout inside `with redirect_stdout(terminal.stream)`."""

    end: int
    stream: io.TextIOWrapper

    def read(self) -> str:
        """What is there now."""
        assert select.select([self.end], [], [], 5)[0], "nothing was written"
        return os.read(self.end, 1 << 16).decode()

    def everything(self) -> str:
        """What was written, to the end: nothing more can be."""
        self.stream.close()
        shown = b""
        with suppress(OSError):  # the other end is closed
            while piece := os.read(self.end, 1 << 16):
                shown += piece
        return shown.decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    for name in ("NO_COLOR", "VTE_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        yield Terminal(ours, stream)
    os.close(ours)


def test_a_pipe_gets_text_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    show_answer(ANSWER, streamed=False, places=PLACES, freshness=FRESHNESS)
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "It is 62 euros [1]. It was 50 before [?].",
        "",
        "[1] handbook/travel.md:12  Travel > Who approves what, and how long that takes",
        "[2] handbook/report.pdf p.3",
    ]
    assert shown.err.splitlines() == [
        "note: 1 of 2 sentences are borne out by no passage",
        "note: handbook/old.md is no longer there; hybridrag sync brings the index up to date",
        "note: handbook/travel.md has changed since it was indexed; hybridrag sync brings the index up to date",
        f"{FRESHNESS.age}",
        "redacted before sending: 2 EMAIL, 1 IBAN (ledger abc)",
        "1,204 tokens in, 96 out, $0.00030 (counted by the provider)",
    ]


def test_quiet_leaves_the_answer_and_its_citations(capsys: pytest.CaptureFixture[str]) -> None:
    show_answer(ANSWER, streamed=True, quiet=True, freshness=FRESHNESS)
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith("\n[1] handbook/travel.md  Travel")


def test_an_answer_that_is_none_names_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    none = replace(ANSWER, text="The documents do not answer this.", sentences=(), citations=(), abstained=True)
    show_answer(replace(none, usage=None, redactions={}, warnings=()), streamed=False)
    shown = capsys.readouterr()
    assert shown.out == "The documents do not answer this.\n"
    assert shown.err == f'note: hybridrag search "{none.question}" shows what comes nearest to the question\n'


@given(st.text(min_size=1, max_size=120))
def test_the_command_that_is_named_searches_for_the_question_as_asked(question: str) -> None:
    none = replace(ANSWER, question=question, sentences=(), citations=(), abstained=True, warnings=())
    with redirect_stderr(io.StringIO()) as told, redirect_stdout(io.StringIO()):
        show_answer(replace(none, usage=None, redactions={}), streamed=True)
    command = told.getvalue().removeprefix("note: ").removesuffix(" shows what comes nearest to the question\n")
    words = shlex.split(command)
    assert words[:2] == ["hybridrag", "search"]
    assert words[2:] in ([], [one_line(question)])


def test_each_sentence_that_is_not_borne_out_is_told_with_its_reason_where_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reasons = [sentence.reason for sentence in ANSWER.sentences if not sentence.supported]
    show_answer(ANSWER, streamed=True, verbose=True)
    told = capsys.readouterr().err
    assert reasons and all(f"[?] {reason}" in told for reason in reasons)


def test_the_age_of_the_index_is_told_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    show_answer(ANSWER, streamed=True, freshness=FRESHNESS, age=False)
    told = capsys.readouterr().err
    assert FRESHNESS.age not in told
    assert all(warning in told for warning in FRESHNESS.warnings)


def test_json_holds_everything_exactly() -> None:
    shown = json.loads(json.dumps(answer_json(ANSWER, places=PLACES, freshness=FRESHNESS)))
    assert shown["sentences"][0] == {
        "text": "It is 62 euros.",
        "supported": True,
        "markers": [1],
        "claimed": [1, 2],
        "reason": "",
    }
    first, second = shown["citations"]
    assert first["quote"] == QUOTE
    assert first["quotes"] == [{"start": 0, "text": QUOTE}]
    assert (first["location"]["path"], first["location"]["line"]) == ("/home/user/hand book/travel.md", 12)
    assert (second["location"]["path"], second["location"]["line"], second["location"]["page"]) == (None, None, 3)
    assert shown["usage"] == {"prompt_tokens": 1204, "completion_tokens": 96, "counted": "provider", "cost_usd": 0.0003}
    assert shown["freshness"] == {
        "indexed_at": "2026-11-20T12:00:00+00:00",
        "age_seconds": 64_800,
        "missing_files": ["handbook/old.md"],
        "changed_files": ["handbook/travel.md"],
        "absent_sources": [],
    }
    assert len(shown["warnings"]) == 3
    assert answer_json(replace(ANSWER, usage=None))["usage"]["counted"] is None


def test_a_terminal_shows_links_and_marks_what_is_not_borne_out(terminal: Terminal) -> None:
    with redirect_stdout(terminal.stream):
        show_answer(ANSWER, streamed=False, places=PLACES)
    shown = terminal.everything()
    assert "\033[33m[?]\033[0m" in shown
    assert (
        f"\033]8;;file://{os.uname().nodename}/home/user/hand%20book/travel.md\033\\handbook/travel.md:12\033]8;;"
        in shown
    )
    assert shown.count("\033]8;;file") == 1  # the other citation has no file here


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_lines_fit_a_narrow_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with redirect_stdout(terminal.stream):
        show_answer(ANSWER, streamed=True, verbose=True, places=PLACES)
    plain = re.sub("\033]8;;[^\033]*\033\\\\", "", without_colours(terminal.everything()))
    assert all(len(line.rstrip("\r")) <= columns for line in plain.split("\n"))
    assert " ".join(QUOTE.split()) in " ".join(plain.split())
    assert "Who approves what" in " ".join(plain.split())


@pytest.mark.parametrize(
    ("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "linux"), ("VTE_VERSION", "4803")]
)
def test_terminals_that_cannot_have_no_links(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert takes_links(terminal.stream)
    monkeypatch.setenv(name, value)
    assert not takes_links(terminal.stream)
    with redirect_stdout(terminal.stream):
        show_answer(ANSWER, streamed=False, places=PLACES)
    assert "\033]" not in terminal.everything()


def test_no_stream_but_a_terminal_takes_links() -> None:
    assert not takes_links(io.StringIO())


@given(st.text(st.characters(exclude_characters="\0"), min_size=1))
def test_no_name_of_a_file_gets_out_of_its_link(name: str) -> None:
    path = "/" + name.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    link = linked("text", path)
    found = re.fullmatch("\033\\]8;;([!-~]+)\033\\\\text\033\\]8;;\033\\\\", link)
    assert found
    assert unquote(urlsplit(found[1]).path, errors="surrogateescape") == path


def test_what_documents_and_models_say_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    bad = chunk("quote \033[2J", path="a\nb\033]8;;x", headings=("h\033[1m\nnext",))
    answer = replace(ANSWER, text="hi \033[2J\u202e", citations=(Citation(1, bad, (Quote(0, bad.text),)),))
    show_answer(answer, streamed=False, verbose=True)
    shown = capsys.readouterr()
    assert "\033" not in shown.out + shown.err
    assert "\u202e" not in shown.out
    assert len(shown.out.splitlines()) == 4


def test_text_is_on_the_terminal_when_the_writer_returns(terminal: Terminal) -> None:
    with redirect_stdout(terminal.stream):
        with AnswerWriter() as writer:
            assert not writer.wrote
            writer("Sixty")
            assert terminal.read() == "Sixty"
            writer("-two [?]")
            assert terminal.read() == "-two \033[33m[?]\033[0m"
        assert terminal.read() == "\r\n"


def test_nothing_written_ends_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with AnswerWriter():
        pass
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("usage", "line"),
    [
        (Usage(1204, 96, "provider", None), "1,204 tokens in, 96 out, no price known (counted by the provider)"),
        (Usage(1, 2, "tokenizer", 0.0), "1 tokens in, 2 out, $0 (counted here)"),
        (Usage(1, 2, "estimate", 0.00001), "1 tokens in, 2 out, $0.000010 (at most: the provider did not say)"),
        (Usage(1, 2, "provider", 1234.5), "1 tokens in, 2 out, $1,234.50 (counted by the provider)"),
    ],
)
def test_tokens_and_cost_in_a_line(usage: Usage, line: str) -> None:
    assert usage_line(usage) == line
