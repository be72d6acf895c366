"""`chat`: real conversations, with and without a terminal, and what of them reaches a provider."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conversing import CTRL_C, CTRL_D, Talk
from tests.conftest import CommandLine, Here, Prepared, Result
from tests.decoded import texts
from tests.servers.chat import Behaviour, ChatServer, answer, echo, stall, status

PERSONAL = ("ann.lee@example.com", "+43 664 1234567", "AT611904300234573201")
DOCUMENT = f"""# Travel

The meal allowance is 62 euros a day. Zoltan approves travel; write to {PERSONAL[0]} or call {PERSONAL[1]}.

# Payment

Travel costs are paid from the account {PERSONAL[2]} within ten days.
"""


ASKED = "Is the meal allowance euros a day?"
"""In the document's own words: the tests' model does not know what is near to what."""


@pytest.fixture(scope="module")
def chat_once(prepared: Prepared) -> Prepared:
    folder = prepared.cli.home / "notes"
    folder.mkdir()
    (folder / "travel.md").write_text(DOCUMENT)
    assert prepared.cli("ingest", str(folder)).code == 0
    return prepared


@pytest.fixture
def chat(chat_once: Prepared, tmp_path: Path, here: Here) -> Iterator[CommandLine]:
    with chat_once.copy(tmp_path) as cli:
        yield here(cli)


def lines(done: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def said(*questions: str) -> bytes:
    return "".join(f"{question}\n" for question in questions).encode()


def at(server: ChatServer) -> tuple[str, ...]:
    return "--provider", server.url, "--llm", "any"


def quoting(request: dict[str, Any]) -> str:
    """An obedient model: says back the line of the newest message that holds a mark."""
    newest = request["messages"][-1]["content"]
    return next((line for line in newest.splitlines() if "⟦" in line), "I do not know.") + " [1]"


def mark_of(body: bytes) -> str:
    """The mark of the e-mail address in a request, the example in its rules aside."""
    said = " ".join(message["content"] for message in json.loads(body)["messages"][1:])
    start = said.index("⟦EMAIL_")
    return said[start : said.index("⟧", start) + 1]


# --- without a provider ----------------------------------------------------------------------------------------------


def test_without_a_provider_each_line_is_answered_from_the_documents(chat: CommandLine) -> None:
    done = chat("chat", "--json", stdin=said(ASKED, "", "and who approves it?"))
    assert done.code == 0, done.err
    first, second = lines(done)
    assert (first["schema"], first["turn"], first["mode"]) == ("hybridrag.chat/1", 1, "extractive")
    assert "62 euros" in first["answer"]
    assert first["query"] == first["question"] == ASKED
    assert (second["turn"], second["question"]) == (2, "and who approves it?")
    assert "allowance" in second["query"]
    assert first["conversation"] is None
    assert not (chat.home / "state" / "data" / "chats").exists()


def test_there_is_no_prompt_where_nobody_types(chat: CommandLine) -> None:
    done = chat("chat", stdin=said(ASKED))
    assert done.code == 0
    assert "> " not in done.out.splitlines()[0] + done.err
    assert "62 euros" in done.out


def test_the_exit_code_is_that_of_the_last_failure_and_the_rest_is_answered(chat: CommandLine) -> None:
    done = chat(
        "chat",
        "--json",
        stdin=said("/sorces", ASKED, "x" * 30_000, "-", "Who approves travel?"),
    )
    assert done.code == 2
    assert [line["turn"] for line in lines(done)] == [1, 3, 4]
    errors = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert [error["code"] for error in errors] == [2, 2]
    assert "did you mean /sources" in errors[0]["hint"]
    assert "characters" in errors[1]["message"]


def test_commands_work_without_a_terminal_too(chat: CommandLine) -> None:
    done = chat("chat", "--json", stdin=said(ASKED, "/sources", "/quit", "never asked"))
    answered, sources = lines(done)
    assert sources["schema"] == "hybridrag.chat.sources/1"
    quotes = [quote for cited in sources["citations"] for quote in cited["quotes"]]
    assert quotes and all(DOCUMENT[q["start"] :].startswith(q["text"]) for q in quotes)
    assert len(answered["citations"]) == len(sources["citations"])


def test_what_cannot_be_is_told_at_once(chat: CommandLine) -> None:
    assert chat("chat", "-c", "nowhere", stdin=b"").code == 2
    assert chat("chat", "--resume", "nowhere", stdin=b"").code == 2
    assert chat("chat", "--resume", "a", "--name", "b", stdin=b"").code == 2
    assert chat("chat", "--name", "../a", stdin=b"").code == 2
    nothing = chat("chat", stdin=said("/outbound", "/sources", "/save"))
    assert nothing.code == 2
    assert "nothing was answered yet" in nothing.err


# --- what leaves -----------------------------------------------------------------------------------------------------


def test_no_personal_value_leaves_in_three_turns_and_each_keeps_its_mark(chat: CommandLine) -> None:
    with ChatServer(answer(quoting)) as server:
        done = chat(
            "chat",
            *at(server),
            "--json",
            stdin=said(
                "Whom do I write to about travel?", f"Is {PERSONAL[0]} the right address?", "and who approves it?"
            ),
        )
    assert done.code == 0, done.err
    assert len(server.bodies) == 3
    for body in server.bodies:
        received = " ".join(texts(json.loads(body)))
        assert not any(value in received for value in PERSONAL)
        assert mark_of(body) == mark_of(server.bodies[0])
    answers = [line["answer"] for line in lines(done)]
    assert all(PERSONAL[0] in text for text in answers), answers
    assert all("⟦" not in text for text in answers)


def test_earlier_turns_are_messages_before_the_passages(chat: CommandLine) -> None:
    with ChatServer(answer("It is 62 euros a day [1].")) as server:
        questions = ("What is the meal allowance?", "and who approves it?", "Why?")
        assert chat("chat", *at(server), stdin=said(*questions)).code == 0
    first, second, third = (json.loads(body)["messages"] for body in server.bodies)
    assert [m["role"] for m in third] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert third[1]["content"] == questions[0]
    assert third[2]["content"].startswith("It is 62 euros a day")
    assert "[1]" not in third[2]["content"]
    assert third[:3] == second[:3]  # what stands before is the same to the byte
    assert third[0] == first[0]
    assert "Passages:" in third[-1]["content"] and third[-1]["content"].endswith("Question: Why?")


def test_outbound_is_the_very_body_that_left_or_would_leave(chat: CommandLine) -> None:
    question = "What is the meal allowance?"
    with ChatServer(answer("It is 62 euros [1].")) as server:
        done = chat("chat", *at(server), stdin=said(f"/outbound {question}", question, "/outbound"))
    assert done.code == 0, done.err
    shown = [line for line in done.out.splitlines() if line.startswith('{"')]
    assert [line.encode() for line in shown] == [server.bodies[0]] * 2
    assert len(server.bodies) == 1


def test_a_turn_that_rests_on_what_is_local_only_is_never_told_to_a_remote_provider(chat: CommandLine) -> None:
    folder = chat.home / "flat"
    folder.mkdir()
    (folder / "flat.md").write_text("---\nlabel: local-only\n---\n# Flat\n\nThe rent of the flat is 700.\n")
    assert chat("ingest", str(folder)).code == 0
    listed = {"HYBRIDRAG_LOCAL_ADDRESSES": "127.0.0.1"}
    with ChatServer(answer("The rent of the flat is 700. [1]")) as server:
        begun = chat("chat", "--name", "t", *at(server), stdin=said("What is the rent of the flat?"), env=listed)
    assert begun.code == 0, begun.err
    with ChatServer(echo()) as server:
        arguments = ("chat", "--resume", "t", "--provider", server.url, "--llm")
        # A server on this machine that forwards to a cloud is not local.
        done = chat(*arguments, "a:1b-cloud", stdin=said("What is the meal allowance?", "Who approves travel?"))
        here = chat(*arguments, "a:1b", stdin=said("And who pays?"), env=listed)
    assert done.code == here.code == 0, done.err
    assert done.err.count("the provider is not told of them") == 1
    *away, local = [" ".join(texts(json.loads(body))) for body in server.bodies]
    assert len(away) == 2
    assert all("flat" not in text and "700" not in text for text in away)
    assert "700" in local


def test_what_the_past_tells_of_a_document_counts_against_its_budget(chat: CommandLine) -> None:
    policy = chat.home / "state" / "config.toml"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text("[policy.budgets]\nday = 100000\n")
    with ChatServer(answer("The meal allowance is 62 euros a day. [1]")) as server:
        done = chat("chat", *at(server), "--json", stdin=said("What is the meal allowance?", "Why?"))
    assert done.code == 0, done.err
    entries = [json.loads(line) for line in (chat.home / "state/data/ledger.jsonl").read_text().splitlines()]
    shares = [sum(entry["shares"].values()) for entry in entries if entry.get("shares")]
    assert len(shares) == 2
    assert shares[1] == shares[0] + len("The meal allowance is 62 euros a day.")


# --- faults ----------------------------------------------------------------------------------------------------------


def test_a_turn_that_fails_is_told_and_the_conversation_goes_on(chat: CommandLine) -> None:
    script: tuple[Behaviour, ...] = (answer("It is 62 euros [1]."), status(401), answer("Zoltan approves travel [1]."))
    with ChatServer(*script) as server:
        done = chat(
            "chat",
            *at(server),
            "--json",
            stdin=said("What is the allowance?", "Which account?", "Who approves travel?"),
        )
    assert done.code == 5
    assert [line["turn"] for line in lines(done)] == [1, 3]
    roles = [m["role"] for m in json.loads(server.bodies[-1])["messages"]]
    assert roles.count("assistant") == 1  # the turn that failed is none


def test_an_answer_that_is_withheld_is_no_turn(chat: CommandLine) -> None:
    with ChatServer(answer("Bananas are yellow."), answer("The meal allowance is 62 euros a day [1].")) as server:
        done = chat(
            "chat", *at(server), "--require-grounded", stdin=said("Who pays the rent?", "What is the meal allowance?")
        )
    assert done.code == 12
    assert "Bananas" not in done.out
    assert "62 euros" in done.out
    assert "Bananas" not in server.bodies[1].decode()


# --- kept ------------------------------------------------------------------------------------------------------------


def test_a_kept_conversation_is_taken_up_with_its_marks(chat: CommandLine) -> None:
    with ChatServer(answer(quoting)) as server:
        assert chat("chat", "--name", "t", *at(server), stdin=said("Whom do I write to about travel?")).code == 0
        done = chat("chat", "--resume", "t", *at(server), "--json", stdin=said("/sources", "Since when?"))
    assert done.code == 0, done.err
    sources, answered = lines(done)
    assert sources["citations"]
    assert answered["conversation"] == "t"
    assert PERSONAL[0] in answered["answer"]
    messages = json.loads(server.bodies[1])["messages"]
    assert messages[1]["content"] == "Whom do I write to about travel?"
    assert mark_of(server.bodies[0]) == mark_of(server.bodies[1])
    assert mark_of(server.bodies[0]) in messages[2]["content"]
    kept = (chat.home / "state" / "data" / "chats" / "t.chat").read_bytes()
    assert not any(value.encode() in kept for value in (*PERSONAL, "Whom"))


def test_a_conversation_stays_with_its_collection(chat: CommandLine) -> None:
    assert chat("chat", "-c", "default", "--name", "t", stdin=said("What is the meal allowance?")).code == 0
    assert chat("chat", "-c", "other", "--resume", "t", stdin=b"").code == 2
    done = chat("chat", "--resume", "t", "--json", stdin=said("Why?"), env={"HYBRIDRAG_COLLECTION": "other"})
    assert done.code == 0, done.err
    assert "allowance" in lines(done)[0]["query"]


def test_conversations_are_listed_and_forgotten(chat: CommandLine) -> None:
    assert json.loads(chat("chat", "--list", "--json").out)["conversations"] == []
    assert chat("chat", "--name", "t", stdin=said("What is the meal allowance?")).code == 0
    assert chat("chat", "--name", "t", stdin=said("What is the meal allowance?")).code == 2
    assert [each["name"] for each in json.loads(chat("chat", "--list", "--json").out)["conversations"]] == ["t"]
    assert chat("chat", "--forget", "t").code == 0
    assert chat("chat", "--list").out == ""
    assert chat("chat", "--forget", "t").code == 2


def test_a_conversation_that_is_open_elsewhere_is_told_so(chat: CommandLine) -> None:
    with ChatServer(stall("It is")) as server, Talk(chat, "chat", "--name", "t", *at(server)) as talk:
        talk.until("> ")
        assert chat("chat", "--name", "t", stdin=b"").code == 75
        talk.ask(ASKED)
        talk.until("It is")
        talk.type(CTRL_C)
        talk.until("stopped")
        busy = chat("chat", "--resume", "t", stdin=b"")
        assert busy.code == 75
        assert "another process" in busy.err
        talk.type(CTRL_D)
        assert talk.end() == 0


# --- at a terminal ---------------------------------------------------------------------------------------------------


def test_a_conversation_at_a_terminal(chat: CommandLine) -> None:
    with Talk(chat, "chat") as talk:
        talk.until("> ")
        talk.ask(ASKED)
        talk.until("62 euros")
        talk.until("> ")
        talk.ask("/sources")
        talk.until("The meal allowance is 62 euros a day.")
        talk.until("> ")
        talk.ask("/help")
        talk.until("/outbound")
        talk.until("> ")
        talk.ask("/save mine")
        talk.until("chat --resume mine")
        talk.until("> ")
        talk.ask("/quit")
        assert talk.end() == 0
    assert (chat.home / "state" / "data" / "chats" / "mine.chat").exists()


def test_what_was_typed_is_in_no_file(chat: CommandLine) -> None:
    with Talk(chat, "chat") as talk:
        talk.until("> ")
        talk.ask("What about the xylophone allowance?")
        talk.until("> ")
        talk.type("\x1b[A")  # the line before is at hand
        talk.until("xylophone")
        talk.type(b"\x15")
        talk.type(CTRL_D)
        assert talk.end() == 0
        assert "was not kept" in talk.shown
    written = [path for path in chat.home.rglob("*") if path.is_file() and b"xylophone" in path.read_bytes()]
    assert written == []


def test_an_answer_can_be_stopped_and_what_was_said_is_kept(chat: CommandLine) -> None:
    script: tuple[Behaviour, ...] = (stall("The meal allowance is 62 euros "), answer("Zoltan approves travel [1]."))
    with ChatServer(*script) as server, Talk(chat, "chat", "--name", "t", *at(server)) as talk:
        talk.until("> ")
        talk.ask("What is the meal allowance?")
        talk.until("allowance is 62")
        talk.type(CTRL_C)
        talk.until("stopped")
        talk.until("> ")
        talk.ask("Who approves travel?")
        talk.until("Zoltan approves")
        talk.until("> ")
        talk.type(CTRL_D)
        assert talk.end() == 0
        past = json.loads(server.bodies[1])["messages"][2]["content"]
    assert past.startswith("The meal allowance is 62") and past.endswith("[…]")


def test_ctrl_c_at_the_prompt_leaves_the_second_time_only(chat: CommandLine) -> None:
    with Talk(chat, "chat") as talk:
        talk.until("> ")
        talk.type("half a question")
        talk.until("half a question")
        talk.interrupt("once more")
        talk.until("> ")
        talk.ask(ASKED)
        talk.until("62 euros")
        talk.until("> ")
        talk.interrupt("once more")
        talk.until("> ")
        talk.interrupt("was not kept")
        assert talk.end() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_without_a_terminal_signals_end_it(chat: CommandLine, number: signal.Signals, code: int) -> None:
    with ChatServer(stall("It is 62")) as server:
        process = chat.start("chat", "--name", "t", *at(server), stdin=-1, stdout=-1, stderr=-1)
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(said("What is the meal allowance?"))
        process.stdin.flush()
        shown = b""
        while b"It is 62" not in shown:
            shown += os.read(process.stdout.fileno(), 100)
        process.send_signal(number)
        process.communicate()
    assert process.returncode == code
    assert chat("chat", "--resume", "t", "--json", stdin=said("/sources")).code == 0
