"""`hybridrag redact`: what would leave of a text, and why. It needs no database, and sends and records nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.terminals import on_a_terminal, without_colours
from tests.conftest import CommandLine, command_line

TEXT = "Grüße an ann@example.com.\nMobil: +49 171 1234567\npassword = hunter22x\n"


@pytest.fixture
def here(tmp_path: Path) -> CommandLine:
    """A home without a database: a broken address shows that none is asked."""
    return command_line(tmp_path / "home", "postgresql://nobody@127.0.0.1:1/none", tmp_path / "no-model")


def test_for_programs_offsets_are_those_of_the_input(here: CommandLine) -> None:
    done = here("redact", "-", "--json", stdin=TEXT.encode())
    assert (done.code, done.err) == (0, "")
    report = done.json
    assert report["schema"] == "hybridrag.redact/1"
    assert (report["blocked"], report["label"]) == (False, "internal")
    found = [(TEXT[s["start"] : s["end"]], s["type"], s["action"]) for s in report["spans"]]
    assert found == [
        ("ann@example.com", "EMAIL", "pseudonymise"),
        ("+49 171 1234567", "PHONE", "pseudonymise"),
        ("hunter22x", "SECRET", "mask"),
    ]
    rebuilt, end = "", 0
    for span in report["spans"]:
        rebuilt += TEXT[end : span["start"]] + span["replacement"]
        end = span["end"]
    assert rebuilt + TEXT[end:] == report["text"]


def test_in_a_pipe_stdout_is_the_redacted_text_alone(here: CommandLine) -> None:
    done = here("redact", stdin=TEXT.encode())
    assert done.code == 0
    assert re.fullmatch(
        r"Grüße an ⟦EMAIL_1·\w+⟧\.\nMobil: ⟦PHONE_1·\w+⟧\npassword = ⟦SECRET·\w+⟧\n",
        done.out,
    )
    assert "1 EMAIL (pseudonymise), 1 PHONE (pseudonymise), 1 SECRET (mask)" in done.err
    assert here("redact", "-q", stdin=TEXT.encode()).err == ""


def test_the_same_text_gives_the_same_bytes(here: CommandLine) -> None:
    assert here("redact", stdin=TEXT.encode()).out == here("redact", stdin=TEXT.encode()).out


def test_files_links_and_other_formats(here: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text(TEXT, encoding="utf-8")
    link = tmp_path / "link.txt"
    link.symlink_to(file)
    latin = tmp_path / "latin.txt"
    latin.write_bytes("Grüße an ann@example.com, schöne Straße".encode("latin-1"))
    page = tmp_path / "page.rtf"
    page.write_bytes(rb"{\rtf1\ansi Write to ann@example.com today.\par}")
    assert here("redact", str(file)).out == here("redact", str(link)).out
    assert here("redact", str(latin), "--json").json["text"].startswith("Grüße an ⟦EMAIL_1")
    report = here("redact", str(page), "--json").json
    assert "⟦EMAIL_1" in report["text"]
    assert any("application/rtf" in note for note in report["notes"])


def test_local_only_is_said_to_stay(here: CommandLine) -> None:
    done = here("redact", "--label", "restricted", "--json", stdin=b"hello")
    assert (done.code, done.json["blocked"], done.json["label"]) == (0, True, "local-only")


@pytest.mark.parametrize(
    ("columns", "titles"),
    [
        (60, ["line", "what stands there", "type", "rule"]),
        (80, ["line", "what stands there", "type", "rule", "action"]),
        (110, ["line", "what stands there", "type", "rule", "action", "becomes"]),
    ],
)
def test_a_terminal_shows_what_was_found_in_the_columns_it_has(
    here: CommandLine, tmp_path: Path, columns: int, titles: list[str]
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text(TEXT.replace("ann@", "ann-marie.of-the-very-long-name@"), encoding="utf-8")
    code, shown = on_a_terminal(here, "redact", str(file), columns=columns)
    assert code == 0
    assert re.search("\x1b\\[33m⟦EMAIL_1", shown), "the text is coloured by action"
    lines = [line.rstrip() for line in without_colours(shown).splitlines()]
    assert all(len(line) <= columns for line in lines)
    head = next(number for number, line in enumerate(lines) if line.startswith("line"))
    assert re.split(" {2,}", lines[head]) == titles
    secret = next(line for line in lines[head:] if "hunter22x" in line)
    assert re.split(" {2,}", secret.strip())[:4] == ["3", "hunter22x", "SECRET", "assignment"], "words are not broken"


def test_typing_a_text_is_announced(here: CommandLine) -> None:
    code, shown = on_a_terminal(here, "redact", typed=b"write to ann@example.com\n\x04")
    assert code == 0
    assert "end with Ctrl-D" in shown
    assert "EMAIL_1" in shown


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "told"),
    [
        (["nosuch.txt"], b"", 6, "there is no file nosuch.txt"),
        (["."], b"", 6, "is a folder"),
        (["--label", "topsecret"], b"x", 2, "topsecret"),
        (["-"], bytes(range(256)) * 40, 6, "stdin"),
        (["--lable", "public"], b"x", 2, "--lable"),
    ],
)
def test_mistakes(here: CommandLine, arguments: list[str], stdin: bytes, code: int, told: str) -> None:
    done = here("redact", *arguments, stdin=stdin)
    assert done.code == code
    assert told in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_nothing_is_recorded_and_no_database_made(here: CommandLine) -> None:
    here("redact", stdin=TEXT.encode())
    state = here.home / "state"
    assert {file.name for file in state.rglob("*") if file.is_file()} <= {"key"}
    empty = here("redact", stdin=b"")
    assert (empty.code, empty.out) == (0, "")
