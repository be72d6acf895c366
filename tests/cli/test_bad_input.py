"""Whatever is wrong with the input: a clear message, the right code, and nothing lost that was there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine, Here, Result, command_line, database
from tests.faults.conftest import copy_of, url_of
from tests.faults.digest import digest
from tests.faults.stops import Place, stop_at
from tests.servers.chat import ChatServer, answer, cut, hang_up, html, refused_address, status

FILES = Path(__file__).parent.parent / "parsing" / "files"
GOOD = "# Travel\n\nThe meal allowance for travel is 62 euros.\n"
UNICODE = "# Größe\n\nDie Größe … 漢字 🎉.\n".encode()
BROKEN = {
    "junk.md": bytes(range(256)) * 8,
    "broken.pdf": b"%PDF-1.7\n1 0 obj <<\nnothing of this holds\n",
    "encrypted.pdf": (FILES / "encrypted.pdf").read_bytes(),
    "controls.txt": b"\x01\x02\x03\x04\x05\x06\x07",
}
READABLE = {
    "latin-1.txt": "Die Größe der Küche über dem Büro ist schön.".encode("latin-1"),
    "nul.txt": b"Remote work is \0allowed for three days a week, says the policy of the team.",
    "emoji.txt": "🎉🎉🎉".encode(),
    "unknown.txt": ("漢字" * 30).encode(),
    "invisible.txt": "\u200b\u200b\u200b".encode(),
    "one-word.txt": b"x" * 200_000,
}
EMPTY = {"empty.md": b"", "blank.txt": b" \n\t\n", "mark-only.txt": b"\xef\xbb\xbf"}


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


@pytest.fixture(scope="module")
def searched_once(
    tmp_path_factory: pytest.TempPathFactory, server_url: str, template_database: str, tiny_model: Path
) -> Iterator[CommandLine]:
    """A command line with two documents indexed, for tests that change nothing."""
    root = tmp_path_factory.mktemp("searched")
    with copy_of(server_url, template_database) as name:
        cli = command_line(root / "home", database(server_url, name), tiny_model)
        assert cli("ingest", str(folder_with(root, {"a.md": GOOD.encode(), "größe.md": UNICODE}))).code == 0
        yield cli


@pytest.fixture
def searched(searched_once: CommandLine, here: Here) -> CommandLine:
    return here(searched_once)


def folder_with(tmp_path: Path, files: dict[str, bytes]) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def problems(done: Result) -> dict[str, str]:
    return {problem["uri"]: problem["reason"] for problem in done.json["problems"]}


def uris(cli: CommandLine) -> list[str]:
    return sorted(digest(url_of(cli)).documents)


def assert_usage(done: Result, *words: str) -> None:
    assert done.code == 2, done.err
    assert done.out == ""
    for word in words:
        assert word in done.err


# --- documents -------------------------------------------------------------------------------------------------------


def test_a_folder_with_everything_wrong_in_it(cli: CommandLine, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"good.md": GOOD.encode()} | BROKEN | READABLE | EMPTY)
    done = cli("ingest", str(folder), "--json")
    assert done.code == 0, done.err
    counts = done.json["documents"]
    assert (counts["added"], counts["failed"], counts["skipped"]) == (1 + len(READABLE), len(BROKEN), len(EMPTY))
    told = problems(done)
    assert told["docs/junk.md"] == told["docs/controls.txt"] == "not text"
    assert "broken" in told["docs/broken.pdf"]
    assert "password" in told["docs/encrypted.pdf"]
    assert {uri for uri, reason in told.items() if "empty" in reason or "no text" in reason} == {
        f"docs/{name}" for name in EMPTY
    }
    shown = cli("ingest", str(folder))
    assert shown.code == 0
    assert "failed: docs/encrypted.pdf: encrypted: needs a password (Save a copy without" in shown.err
    assert "skipped: holds no text (2); empty file (1)" in shown.err  # counted by reason, and named by --verbose
    assert "skipped: docs/empty.md: empty file" in cli("ingest", str(folder), "--verbose").err
    assert cli("search", "Größe der Küche", "--json").json["hits"][0]["document"]["uri"] == "docs/latin-1.txt"
    assert cli("search", "remote work policy", "--json").json["hits"][0]["document"]["uri"] == "docs/nul.txt"


def test_a_document_that_breaks_keeps_its_old_version(cli: CommandLine, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"a.md": GOOD.encode(), "b.txt": b"The office opens at nine."})
    assert cli("ingest", str(folder)).code == 0
    before = digest(url_of(cli)).documents
    folder_with(tmp_path, {"a.md": bytes(range(256)), "b.txt": b"The office opens at ten."})
    done = cli("ingest", str(folder), "--json")
    assert done.code == 0, done.err
    assert "the version indexed before is kept" in problems(done)["docs/a.md"]
    after = digest(url_of(cli)).documents
    assert after["docs/a.md"] == before["docs/a.md"]
    assert after["docs/b.txt"]["text"] == "The office opens at ten."
    assert cli("ingest", str(folder), "--strict").code == 6


def test_a_broken_document_is_guarded_more_and_never_less(cli: CommandLine, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"a.md": GOOD.encode(), "b.md": GOOD.encode()})
    assert cli("ingest", str(folder), "--label", "confidential").code == 0
    folder_with(tmp_path, {"a.md": bytes(range(256))})
    assert cli("ingest", str(folder), "--label", "public").code == 0
    assert [digest(url_of(cli)).documents[f"docs/{name}.md"]["label"] for name in "ab"] == ["confidential", "public"]
    assert cli("ingest", str(folder), "--label", "local-only").code == 0
    assert [digest(url_of(cli)).documents[f"docs/{name}.md"]["label"] for name in "ab"] == ["local-only"] * 2


def test_labels_reach_documents_that_did_not_change(cli: CommandLine, tmp_path: Path) -> None:
    marked = b"---\nlabel: confidential\n---\n# Prices\n\nSecret.\n"
    folder = folder_with(tmp_path, {"a.md": GOOD.encode(), "b.md": GOOD.encode(), "marked.md": marked})

    def labels(*arguments: str) -> list[str]:
        done = cli("ingest", str(folder), *arguments, "--json")
        assert done.code == 0, done.err
        assert done.json["chunks"]["embedded"] in {0, 2}
        documents = digest(url_of(cli)).documents
        return [documents[f"docs/{name}.md"]["label"] for name in ("a", "b", "marked")]

    assert labels() == ["internal", "internal", "confidential"]
    assert labels("--label", "public") == ["public", "public", "confidential"]
    assert labels("--label", "b*=local-only") == ["public", "local-only", "confidential"]
    assert labels("--label", "local-only") == ["local-only"] * 3


def test_an_emptied_folder(cli: CommandLine, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {f"{number:02}.txt": b"Travel." for number in range(12)})
    assert cli("ingest", str(folder)).code == 0
    for file in folder.iterdir():
        file.unlink()
    refused = cli("ingest", str(folder))
    assert refused.code == 8
    assert "12 of the 12" in refused.err
    assert "--allow-mass-delete" in refused.err
    assert len(uris(cli)) == 12
    assert cli("ingest", str(folder), "--no-prune").code == 0
    assert len(uris(cli)) == 12
    assert cli("ingest", str(folder), "--dry-run", "--allow-mass-delete", "--json").json["documents"]["removed"] == 12
    assert len(uris(cli)) == 12
    assert cli("ingest", str(folder), "--allow-mass-delete", "--json").json["documents"]["removed"] == 12
    assert uris(cli) == []
    assert digest(url_of(cli)).vectors == {}


def test_emptied_files(cli: CommandLine, tmp_path: Path) -> None:
    """A sync client or a full disk may leave the names and take the contents."""
    folder = folder_with(tmp_path, {f"{number:02}.txt": b"Travel." for number in range(12)})
    assert cli("ingest", str(folder)).code == 0
    folder_with(tmp_path, {f"{number:02}.txt": b"" for number in range(12)})
    assert cli("ingest", str(folder)).code == 8
    assert len(uris(cli)) == 12
    assert cli("ingest", str(folder), "--allow-mass-delete", "--json").json["documents"]["removed"] == 12


def test_a_folder_that_is_not_there_any_more(cli: CommandLine, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"a.md": GOOD.encode()})
    assert cli("ingest", str(folder)).code == 0
    folder.rename(tmp_path / "unmounted")
    done = cli("ingest", str(folder))
    assert done.code != 0
    assert uris(cli) == ["docs/a.md"]


def test_a_file_that_vanishes_between_list_and_read(cli: CommandLine, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"a.md": GOOD.encode(), "b.md": GOOD.encode()})
    assert cli("ingest", str(folder)).code == 0
    # Changed, so that it has to be read: a file that looks as it did is not.
    folder_with(tmp_path, {"b.md": b"# Travel\n\nMore of it.\n", "new.md": b"# New\n\nA release.\n"})
    with stop_at(url_of(cli), Place("source", "insert")) as stop:
        process = cli.start("ingest", str(folder), "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        stop.reached_by(process)  # listed, and nothing read as yet
        (folder / "b.md").unlink()
        (folder / "new.md").unlink()
        stop.release()
        out, err = process.communicate(timeout=60)
    done = Result(process.returncode, out.decode(), err.decode())
    assert done.code == 0, done.err
    assert set(problems(done)) == {"docs/b.md", "docs/new.md"}
    assert all(reason.startswith("vanished before it could be read") for reason in problems(done).values())
    assert uris(cli) == ["docs/a.md", "docs/b.md"]
    assert cli("ingest", str(folder), "--json").json["documents"]["removed"] == 1


def test_names_that_cannot_be_stored(cli: CommandLine, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"a.md": GOOD.encode()})
    deep = folder
    for number in range(9):
        deep = deep / (f"{number}" + "ä" * 119)
    deep.mkdir(parents=True)
    (deep / "b.md").write_text(GOOD)
    try:
        (folder / os.fsdecode(b"bad\xff.md")).write_text(GOOD)
        (tmp_path / os.fsdecode(b"\xfffolder")).mkdir()
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    (tmp_path / os.fsdecode(b"\xfffolder") / "a.md").write_text(GOOD)
    done = cli("ingest", str(folder), "--json")
    assert done.code == 0, done.err
    told = problems(done)
    assert told.pop("docs/bad\\xff.md") == "its name is not UTF-8"
    assert list(told.values()) == ["its path is longer than 2,000 bytes"]
    assert uris(cli) == ["docs/a.md"]
    assert_usage(cli("ingest", os.fsencode(folder) + b"/bad\xff.md"), "not UTF-8", "bad\\xff.md")
    assert_usage(cli("ingest", os.fsencode(tmp_path) + b"/\xfffolder"), "not UTF-8", "\\xfffolder")
    assert_usage(cli("ingest", ".", cwd=tmp_path / os.fsdecode(b"\xfffolder")), "not UTF-8", "\\xfffolder")


def test_a_dataset_with_bad_lines(cli: CommandLine, tmp_path: Path) -> None:
    lines = [
        b'{"_id": "1", "text": "The meal allowance is 62 euros."}',
        b'{"_id": "2"}',
        b"not json",
        b'{"_id": "3", "text": "\xff"}',
        b'{"_id": "4\\u0000", "text": "an id with NUL"}',
        b'{"_id": "5", "text": "lone \\ud800 and NUL \\u0000 in it", "key\\u0000": "\\ud800", "number": 1e400}',
        b'{"_id": "' + b"".join(b"%x" % (n * 7919) for n in range(2000)) + b'", "text": "a very long id"}',
        b'{"_id": "6", "text": "nested", "deep": ' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"_id": "7", "text": "  "}',
        b'{"_id": "1", "text": "the same id again"}',
    ]
    (tmp_path / "set.jsonl").write_bytes(b"\n".join(lines))
    done = cli("ingest", str(tmp_path / "set.jsonl"), "--json")
    assert done.code == 0, done.err
    assert (done.json["documents"]["added"], done.json["documents"]["skipped"]) == (2, 1)
    assert done.json["documents"]["failed"] == 7
    assert uris(cli) == ["set/1", "set/5"]
    assert cli("ingest", str(tmp_path / "set.jsonl"), "--json").json["documents"]["unchanged"] == 2


# --- rights ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ordinary() -> list[str]:
    """What to put before a command so that file permissions hold for it, as they do for all but root."""
    # Root without the two capabilities that pass over permissions; its own files stay readable as their modes say.
    script = (
        "import ctypes, os, sys; prctl = ctypes.CDLL(None).prctl;"
        "sys.exit(77) if any(prctl(24, capability, 0, 0, 0) for capability in (1, 2)) else None;"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    prefix = [sys.executable, "-c", script] if os.geteuid() == 0 else []
    with tempfile.NamedTemporaryFile() as secret:
        Path(secret.name).chmod(0)
        if subprocess.run([*prefix, shutil.which("cat") or "cat", secret.name], capture_output=True).returncode != 1:
            pytest.skip("the right to read everything cannot be given up here")
    return prefix


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder with a file and a folder in it that nobody may read."""
    folder = folder_with(tmp_path, {"open.md": GOOD.encode(), "shut.md": b"# Prices\n\nThe discount.\n"})
    (folder / "private").mkdir()
    (folder / "private" / "inside.md").write_text("# Leave\n\nThree days of leave.\n")
    yield folder
    (folder / "private").chmod(0o700)


def test_what_may_not_be_read(cli: CommandLine, locked: Path, ordinary: list[str]) -> None:
    def ingest(*arguments: str) -> Result:
        command = [*ordinary, *cli.command("ingest", str(locked), "--json", *arguments)]
        done = subprocess.run(command, capture_output=True, env=dict(cli.environment))
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    assert ingest().code == 0
    before = digest(url_of(cli)).documents
    assert len(before) == 3
    (locked / "shut.md").chmod(0)
    (locked / "private").chmod(0)
    done = ingest()
    assert done.code == 0, done.err
    told = problems(done)
    assert set(told) == {"docs/shut.md", "docs/private"}
    assert all("permission denied" in reason for reason in told.values())
    assert done.json["documents"]["removed"] == 0
    assert digest(url_of(cli)).documents == before
    assert ingest("--allow-mass-delete", "--strict").code == 6
    assert digest(url_of(cli)).documents == before


# --- the command line and settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("inject",), ("No such command", "--help")),
        (("search", "x", "--nope"), ("No such option",)),
        (("search",), ("Missing argument",)),
        (("search", ""), ("the question is empty",)),
        (("search", " \n\t"), ("the question is empty",)),
        (("ask", ""), ("the question is empty",)),
        (("search", "x", "-k", "0"), ("-k",)),
        (("search", "x", "-k", "many"), ("-k",)),
        (("search", "x", "--mode", "magic"), ("--mode magic", "hybrid")),
        (("search", "x", "--filter", "nonsense"), ("expected FIELD:VALUE",)),
        (("search", "x", "--filter", "label:nonsense"), ("nonsense",)),
        (("search", "x", "-c", "a/b"), ("no collection name",)),
        (("search", "x", "-c", "missing"), ("there is no collection 'missing'", "hybridrag ingest -c missing")),
        (("search", b"caf\xe9"), ("not UTF-8", "caf\\xe9")),
        (("ingest",), ("Missing argument",)),
        (("ingest", "/no/such/file"), ("there is no file or folder",)),
        (("ingest", "ftp://example.com/a"), ("ftp:", "https://")),
        (("ingest", ".", "--label", "top-secret"), ("top-secret", "local-only")),
        (("ingest", ".", "--source", "a/b"), ("a/b",)),
        (("documents", "show", "nothing/here"), ("no document nothing/here is indexed", "documents list")),
        (("ask", "x", "--provider", "nobody"), ("nobody", "together")),
        (("ask", "x", "--require-provider"), ("--provider",)),
        (("ask", "x", "--provider", "https://api.example.com/v1", "--llm", "m", "--offline"), ("--offline forbids",)),
        (("ask", "x", "--provider", "together", "--offline"), ("--offline forbids",)),
        (("search", "word " * 10_000), ("49999 characters", "20000")),
    ],
    ids=lambda value: " ".join(map(str, value))[:60],
)
def test_a_wrong_command_line(
    searched: CommandLine, arguments: tuple[str | bytes, ...], words: tuple[str, ...]
) -> None:
    done = searched(*arguments, "--json")
    assert (done.code, done.out) == (2, ""), done.err
    error = json.loads(done.err.splitlines()[-1])
    assert error["schema"] == "hybridrag.error/1"
    for word in words:
        assert word in f"{error['message']} {error['hint']}"


def test_no_verb_shows_the_help(searched: CommandLine) -> None:
    done = searched()
    assert done.code == 2
    assert "ingest" in done.out
    assert done.err == ""
    assert searched("search", "x", "--version").out.startswith("hybridrag ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('database_url = "postgresql://evil/x"', ("may not set database_url", "config path")),
        ('[database]\nurl = "postgresql://evil/x"', ("may not set database_url",)),
        ('provider = "https://evil.example/v1"', ("may not set provider",)),
        ('[providers.together]\nbase_url = "https://evil.example/v1"', ("may not set providers",)),
        ('local_addresses = ["0.0.0.0/0"]', ("may not set local_addresses",)),
        ("offline = false", ("may only set offline = true",)),
        ('[labels]\n"**" = "public"', ("may not label documents public",)),
        ('colection = "x"', ("unknown setting colection", "did you mean collection?")),
        ("collection = 3", ("collection",)),
        ("collection = ", ("not valid TOML",)),
    ],
)
def test_a_project_file_that_asks_too_much(
    searched: CommandLine, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "hybridrag.toml").write_text(text)
    done = searched("search", "x", cwd=tmp_path)
    assert done.code == 3, done.err
    assert "hybridrag.toml" in done.err
    for word in words:
        assert word in done.err


def test_an_unknown_setting_in_the_environment_or_a_given_file(searched: CommandLine, tmp_path: Path) -> None:
    wrong = searched("search", "x", env={"HYBRIDRAG_COLECTION": "x"})
    assert wrong.code == 3
    assert "HYBRIDRAG_COLECTION" in wrong.err
    assert "did you mean HYBRIDRAG_COLLECTION?" in wrong.err
    missing = searched("search", "x", "--config", str(tmp_path / "none.toml"))
    assert missing.code == 3
    assert "none.toml" in missing.err
    (tmp_path / "latin.toml").write_bytes(b'collection = "caf\xe9"')
    assert searched("search", "x", "--config", str(tmp_path / "latin.toml")).code == 3


# --- questions -------------------------------------------------------------------------------------------------------

QUESTIONS = [
    pytest.param("the of and to a", id="stop words"),
    pytest.param("🎉 👩‍👩‍👧 🇩🇪", id="emoji"),
    pytest.param("'", id="quote"),
    pytest.param("\"'\"'\\\\'' $$ %s %(x)s {} {vectors}", id="quotes and placeholders"),
    pytest.param("&|!():*<->'\"\\", id="operators"),
    pytest.param("travel & !meal | (euros <-> :*)", id="an expression"),
    pytest.param("\u200b\u00ad\u202e", id="invisible"),
    pytest.param("\ud7ff\ue000\U0010ffff", id="edges of Unicode"),
    pytest.param(" ".join(f"w{number}" for number in range(3300)), id="thousands of words"),
    pytest.param("x" * 20_000, id="one long word"),
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_any_question_is_answered(searched: CommandLine, question: str) -> None:
    lexical = searched("search", "--mode", "lexical", "--json", "--", question)
    assert lexical.code == 0, lexical.err
    assert bool(lexical.json["hits"]) == any(word in question.split() for word in ("travel", "of", "w1"))
    answer = searched("ask", "--json", "--", question)
    assert answer.code == 0, answer.err
    assert answer.json["question"] == question


def test_a_question_from_standard_input(searched: CommandLine) -> None:
    found = searched("search", "-", "--json", stdin=b"meal \0 allowance \xff\n")
    assert found.code == 0, found.err
    assert found.json["hits"][0]["document"]["uri"] == "docs/a.md"
    assert_usage(searched("ask", "-", stdin=b"\0\0"), "empty")
    assert_usage(searched("ask", "-", stdin=b""), "empty")
    assert_usage(searched("ask", "-", stdin=b"word " * 10_000), "characters")


# --- what documents and providers say to a terminal ------------------------------------------------------------------

HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \x1b[2J\x08\x08 \u202etxt"


def test_a_terminal_obeys_no_document(cli: CommandLine, tmp_path: Path) -> None:
    text = f"---\ntitle: 'Prices {HOSTILE}'\n---\n# Travel {HOSTILE}\n\nThe meal allowance is {HOSTILE} euros.\n"
    folder = folder_with(
        tmp_path, {"a.md": text.encode(), "b\x1b[31m.md": GOOD.encode(), "c\nforged\x1b[31m.md": b"\0\1\2\3\4"}
    )
    (tmp_path / "set.jsonl").write_text(json.dumps({"_id": f"r{HOSTILE}", "title": HOSTILE, "text": f"Meal {HOSTILE}"}))
    with ChatServer(answer(f"It is {HOSTILE} euros [1].")) as server:
        provider = ("--provider", server.url, "--llm", f"m{HOSTILE}")
        results = [
            cli("ingest", str(folder), "--verbose"),
            cli("ingest", str(tmp_path / "set.jsonl")),
            cli("search", "meal allowance", "--explain"),
            cli("search", f"meal {HOSTILE}"),
            cli("ask", "What is the meal allowance?", "--verbose"),
            cli("ask", "What is the meal allowance?", *provider, "--verbose"),
            cli("ask", "What is the meal allowance?", *provider, "--no-stream"),
            cli("documents", "list"),
            cli("documents", "show", "docs/a.md"),
            cli("sources", "list"),
        ]
        refused = cli("ingest", f"/no/{HOSTILE}")
    assert [done.code for done in results] == [0] * len(results), [done.err for done in results]
    assert refused.code == 2
    for done in (*results, refused):
        for character in "\x1b\x07\x08\x9b\u202e":
            assert character not in done.out + done.err
    assert "red" in results[2].out
    assert not any(line.startswith("forged") for line in results[0].err.splitlines()), "a name began a line"
    assert "euros" in results[5].out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("verb", [("search", "Größe"), ("documents", "show", "docs/größe.md")], ids=lambda v: v[0])
def test_an_encoding_that_lacks_what_documents_hold(
    searched: CommandLine, encoding: str, verb: tuple[str, ...]
) -> None:
    environment = {**searched.environment, "PYTHONIOENCODING": encoding}
    text, as_json = (
        subprocess.run(searched.command(*verb, *form), env=environment, capture_output=True)
        for form in ((), ("--json",))
    )
    assert text.returncode == 0, text.stderr
    assert "Gr" in text.stdout.decode(encoding)
    assert as_json.returncode == 0, as_json.stderr
    assert "Die Größe … 漢字 🎉." in json.dumps(json.loads(as_json.stdout), ensure_ascii=False)


# --- providers -------------------------------------------------------------------------------------------------------


def ledger(cli: CommandLine) -> list[tuple[str, str]]:
    lines = (cli.home / "state" / "data" / "ledger.jsonl").read_text().splitlines()
    return [(entry["kind"], entry.get("outcome", "")) for entry in map(json.loads, lines)]


def test_providers_that_fail(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("ingest", str(folder_with(tmp_path, {"a.md": GOOD.encode()}))).code == 0
    key = "sk-0123456789abcdef0123456789abcdef"

    def ask(url: str, *arguments: str) -> Result:
        asked = ("ask", "What is the meal allowance?", "--provider", url, "--llm", "any", *arguments)
        return cli(*asked, env={"HYBRIDRAG_PROVIDER_KEY": key})

    failures = {}
    for name, behaviour in {
        "wrong key": status(401),
        "a web page": html(),
        "stopped": cut("The allowance is 62 euros [1], and there is more to be said of it.", after=900),
        "nothing": answer(""),
        "not found": status(404),
    }.items():
        with ChatServer(behaviour) as server:
            failures[name] = ask(server.url)
        # An empty reply is one: it came, and is billed.
        ended = "sent" if name == "nothing" else "failed"
        assert ledger(cli)[-2:] == [("intent", ""), ("outcome", ended)], name
    assert {name: done.code for name, done in failures.items()} == dict.fromkeys(failures, 5)
    assert failures["stopped"].out.startswith("The allowance is 62")
    assert "not complete" in failures["stopped"].err
    assert "text/html" in failures["a web page"].err
    assert "HYBRIDRAG_PROVIDER_KEY" in failures["wrong key"].err
    assert all(done.out == "" for name, done in failures.items() if name != "stopped")
    assert all(key not in done.err for done in failures.values())


def test_providers_that_are_not_there(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("ingest", str(folder_with(tmp_path, {"a.md": GOOD.encode()}))).code == 0
    with refused_address() as address:
        done = cli("ask", "What is the meal allowance?", "--provider", address, "--llm", "any", "--json")
    assert done.code == 5
    assert json.loads(done.err.splitlines()[-1])["retryable"] is True
    attempts = ledger(cli)
    assert attempts[-1] == ("outcome", "failed")
    assert attempts.count(("outcome", "retried")) == len(attempts) // 2 - 1
    with ChatServer(hang_up(), answer("It is 62 euros [1].")) as server:
        done = cli("ask", "What is the meal allowance?", "--provider", server.url, "--llm", "any", "--json")
    assert (done.code, done.json["answer"]) == (0, "It is 62 euros [1].")
    assert ledger(cli)[-4:] == [("intent", ""), ("outcome", "retried"), ("intent", ""), ("outcome", "sent")]
