"""`ask` with a provider: a real HTTP server on loopback, and what really reached it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine, Here
from tests.decoded import texts
from tests.servers.chat import ChatServer, answer, echo, html, status

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
VALUES: dict[str, list[str]] = json.loads((EXAMPLES / "personal-data.json").read_text(encoding="utf-8"))
MUST_NOT_LEAVE = ("EMAIL", "PHONE", "CARD", "IBAN", "IP", "SSN", "SECRET")
QUESTIONS = [
    "Whom do I call when the database is down?",
    "What is the bank account of Kloeppel Kaffee?",
    "Which API key does the staging environment use?",
    "Which card is charged for the office rent, and what is the IP address of the gateway?",
    "Who are our customers, with e-mail address and phone number?",
    "What did the incident in March 2026 do?",
]


@pytest.fixture
def remote(company: CommandLine, here: Here) -> CommandLine:
    """A home with the examples indexed, and a provider that is not listed as local: its text must be redacted."""
    return here(company)


def compact(text: str) -> str:
    return re.sub(r"[^\w@]", "", text).casefold()


def test_no_personal_value_of_the_examples_reaches_a_provider_and_all_come_back(remote: CommandLine) -> None:
    with ChatServer(echo()) as server:
        arguments = ("-k", "20", "--provider", server.url, "--llm", "any")
        answers = [remote("ask", question, *arguments, "--json") for question in QUESTIONS]
        shown = remote("ask", QUESTIONS[0], *arguments, "--show-outbound")
    assert [done.code for done in answers] == [0] * len(QUESTIONS), answers[-1].err
    assert server.bodies[0] == shown.out.rstrip("\n").encode()
    received = "\n".join(text for body in server.bodies for text in texts(json.loads(body)))
    assert "⟦EMAIL_" in received and "⟦PHONE_" in received and "⟦IBAN_" in received
    for kind in MUST_NOT_LEAVE:
        for value in VALUES[kind]:
            assert value not in received, f"a value of type {kind} left"
            if len(compact(value)) >= 8:
                assert compact(value) not in compact(received), f"a value of type {kind} left in another form"
    returned = "\n".join(done.json["answer"] for done in answers)
    for kind in ("EMAIL", "PHONE", "IBAN"):
        assert any(value in returned for value in VALUES[kind]), f"no value of type {kind} was restored"
    assert "⟦EMAIL_" not in returned and "⟦PHONE_" not in returned


def test_a_listed_address_receives_plain_text_but_never_unrecorded(remote: CommandLine) -> None:
    with ChatServer(echo()) as server:
        arguments = ("-k", "20", "--provider", server.url, "--llm", "any", "--json")
        done = remote("ask", QUESTIONS[1], *arguments, env={"HYBRIDRAG_LOCAL_ADDRESSES": "127.0.0.1"})
    assert done.code == 0, done.err
    sent = server.requests[0].user_text()
    assert any(value in sent for value in VALUES["EMAIL"])
    assert "⟦" not in sent
    ledger = (remote.home / "state" / "data" / "ledger.jsonl").read_text()
    assert done.json["ledger_id"] in ledger


def test_an_answer_streams_with_citations(remote: CommandLine) -> None:
    said = "For a full day away the company pays a meal allowance of 62 euros without receipts"

    def reply(request: dict[str, Any]) -> str:
        asked = request["messages"][-1]["content"]
        number = re.findall(r"--- passage (\d+) ", asked[: asked.index("62 euros")])[-1]
        return f"{said} [{number}]. Nobody has 4711 elephants [99]."

    with ChatServer(answer(reply)) as server:
        arguments = ("ask", "What is the meal allowance for a full day away?", "-k", "20", "--provider", server.url)
        done = remote(*arguments, "--llm", "any", "--json")
        strict = remote(*arguments, "--llm", "any", "--require-grounded")
    assert done.code == 0, done.err
    given = done.json
    (citation,) = given["citations"]
    assert given["answer"] == f"{said} [{citation['marker']}]. Nobody has 4711 elephants. [?]"
    assert citation["document"]["uri"].endswith("travel-policy.md")
    assert citation["location"]["line"] == 36
    assert said in citation["quote"]
    assert [(sentence["supported"], sentence["claimed"]) for sentence in given["sentences"]] == [
        (True, [citation["marker"]]),
        (False, []),
    ]
    assert (given["mode"], given["grounded"], given["complete"]) == ("provider", False, True)
    assert any("99" in warning for warning in given["warnings"])
    assert given["usage"]["counted"] == "provider"
    assert given["ledger_id"]
    assert strict.code == 12
    assert "62" not in strict.out


def test_a_refused_key_and_html_are_told_without_the_key(remote: CommandLine) -> None:
    key = "sk-test-0123456789abcdef0123456789abcdef"
    env = {"HYBRIDRAG_PROVIDER_KEY": key}
    with ChatServer(status(401)) as server:
        refused = remote("ask", "What?", "--provider", server.url, "--llm", "any", "--debug", env=env)
    with ChatServer(html()) as server:
        page = remote("ask", "What?", "--provider", server.url, "--llm", "any", "--debug", env=env)
    assert refused.code == 5
    assert page.code == 5
    assert key not in refused.err + page.err + refused.out + page.out
    assert "HYBRIDRAG_PROVIDER_KEY" in refused.err
    assert "text/html" in page.err


def test_a_key_in_the_environment_chooses_nothing(remote: CommandLine) -> None:
    done = remote("ask", "What is the meal allowance?", env={"TOGETHER_API_KEY": "k" * 40})
    assert done.code == 0
    assert "TOGETHER_API_KEY is set" in done.err


def test_without_its_key_a_provider_is_refused_before_any_search(remote: CommandLine) -> None:
    done = remote("ask", "What is the meal allowance?", "--provider", "fireworks")
    assert done.code == 3
    assert "FIREWORKS_API_KEY" in done.err


def test_documents_labelled_local_only_stay(cli: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "secret.md").write_text("---\nlabel: local-only\n---\n# Travel\n\nThe travel budget is 4711 euros.\n")
    assert cli("ingest", str(folder)).code == 0
    arguments = ("ask", "What is the travel budget?", "--provider", "together", "--show-outbound")
    done = cli(*arguments, env={"TOGETHER_API_KEY": "k" * 40})
    assert done.code == 7
    assert "4711" not in done.out
    assert "local-only" in done.err


def test_a_local_server_that_forwards_to_a_cloud_is_not_local(cli: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# Rent\n\nThe rent is paid by Zoltan, ann@example.com.\n")
    (folder / "b.md").write_text("---\nlabel: local-only\n---\n# Rent of the flat\n\nThe rent of the flat is secret.\n")
    assert cli("ingest", str(folder)).code == 0
    env = {"HYBRIDRAG_LOCAL_ADDRESSES": "127.0.0.1"}
    with ChatServer(echo()) as server:
        here = cli("ask", "Who pays the rent?", "--provider", server.url, "--llm", "gpt-oss:120b", "--json", env=env)
        away = cli("ask", "Who pays the rent?", "--provider", server.url, "--llm", "gpt-oss:120b-cloud", env=env)
    assert (here.code, away.code) == (0, 0), away.err
    plain, redacted = (request.user_text() for request in server.requests)
    assert "ann@example.com" in plain and "flat is secret" in plain
    assert "ann@example.com" not in redacted and "flat is secret" not in redacted


def test_a_provider_that_may_keep_what_it_gets_is_refused_where_the_policy_asks(remote: CommandLine) -> None:
    env = {"HYBRIDRAG_POLICY_REQUIRE_ZDR": "true", "TOGETHER_API_KEY": "k" * 40}
    done = remote("ask", "What is the meal allowance?", "--provider", "together", "--show-outbound", env=env)
    assert done.code == 7
    assert done.out == ""
    assert "zero data retention" in done.err
