"""Parsers that other packages bring: real packages in a folder, found by their entry points, run in the child."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hybridrag.errors import ConfigError
from hybridrag.parsing import GuardedParser
from hybridrag.parsing.formats import format_of
from hybridrag.parsing.plugins import Chosen, Claim, Claims, Loaded, NotLoadedError, choose
from hybridrag.types import Document, RawDocument, Skipped
from tests.conftest import CommandLine, Here
from tests.contract.test_parser import check

PARSER = """
import os, sys
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.types import Heading

class Shouting:
    media_types = frozenset({"text/html", "text/x-rst"})
    version = "7"

    def __init__(self, folder=""):
        self.folder = folder

    def parse(self, content, media_type):
        text = content.decode("utf-8", "replace").upper().replace("\\0", "")
        if "EXPLODE" in text:
            raise RuntimeError("the document says " + text)
        if "REFUSE" in text:
            raise UnreadableError("is refused", hint="Do not shout.")
        if "NOTHING" in text:
            return None
        if "DIE" in text:
            os._exit(3)
        return Parsed(text=text + self.folder, headings=(Heading(0, 1, "Shouted"),) if text.strip() else ())
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes installed packages with entry points of their own."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name: str, code: str, **entries: str) -> None:
        (tmp_path / f"{name}.py").write_text(code)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = (f"{entry} = {name}:{place}\n" for entry, place in entries.items())
        (info / "entry_points.txt").write_text("[hybridrag.parsers]\n" + "".join(lines))

    return make


@pytest.fixture
def shouting(package: Callable[..., None]) -> Iterator[GuardedParser]:
    package("shouter", PARSER, shout="Shouting")
    with GuardedParser(parsers=["shout"]) as parser:
        yield parser


LIVELY = """
import os, time

class Lively:
    media_types = frozenset({"text/html"})
    version = "1"

    def parse(self, content, media_type):
        pipes = [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2]
        while True:
            for pipe in pipes:
                try:
                    os.write(pipe, bytes(8))
                except OSError:
                    pass
            time.sleep(0.05)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finds its pipes in /proc")
def test_signs_of_life_are_for_pictures_only(package: Callable[..., None]) -> None:
    package("lively", LIVELY, lively="Lively")
    with GuardedParser(parsers=["lively"], timeout_s=2) as parser:
        found = parser.parse(raw(b"<p>"))
        assert isinstance(found, Skipped)
        assert found.reason == "took longer than 2 s to parse"


TAKEN_OVER = """
import os, signal, socket, subprocess, sys
from pathlib import Path
from hybridrag.parsing.parsed import Parsed

class TakenOver:
    media_types = frozenset({"text/html"})
    version = "1"

    def __init__(self, folder):
        self.folder = Path(folder)

    def parse(self, content, media_type):
        acts = {
            "write": lambda: (self.folder / "secret").write_text("other"),
            "remove": lambda: (self.folder / "secret").unlink(),
            "make": lambda: (self.folder / "new").touch(),
            "open up": lambda: (self.folder / "secret").chmod(0o777),
            "unix socket": lambda: socket.socket(socket.AF_UNIX),
            "socket": lambda: socket.socket(socket.AF_INET),
            "keys": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
            "by a program": lambda: subprocess.run(["/bin/sh", "-c", f"echo x > '{self.folder}/x'"], check=True),
            "own folder": lambda: Path("own").write_text("mine"),
            "nowhere": lambda: Path(os.devnull).write_text("gone"),
        }
        return Parsed(text=" ".join(name for name, act in acts.items() if self.does(act)) or "nothing")

    def does(self, act):
        try:
            act()
        except (OSError, subprocess.CalledProcessError):
            return False
        return True
"""


def landlock() -> int:
    """Its version, 0 or less where the kernel has none."""
    return int(ctypes.CDLL(None).syscall(444, None, 0, 1)) if sys.platform == "linux" else 0


@pytest.mark.skipif(landlock() < 3, reason="this kernel cannot bound where a process writes")
def test_one_that_was_taken_over_changes_no_files_and_reaches_nobody(
    package: Callable[..., None], tmp_path: Path
) -> None:
    package("taken_over", TAKEN_OVER, over="TakenOver")
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "secret").write_text("words")
    with GuardedParser(parsers=[f"over:{folder}"]) as parser:
        document = parser.parse(raw(b"<p>"))
        assert isinstance(document, Document)
        assert document.text == "own folder nowhere"
    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [("secret", "words")]


def raw(content: bytes, kind: str = "text/html") -> RawDocument:
    return RawDocument("box", "a", content, kind, b"hash")


def test_it_reads_its_kinds_and_nothing_else(shouting: GuardedParser) -> None:
    found = check(shouting, RawDocument("box", "a.html", b"<p>Hello.", "text/html", b"h"))
    assert isinstance(found, Document)
    assert (found.text, found.headings[0].title, found.parser) == ("<P>HELLO.", "Shouted", "shout:7")
    plain = shouting.parse(raw(b"Title\n=====\n\nText.\n", "text/x-rst"))
    assert isinstance(plain, Document)
    assert plain.text.startswith("TITLE"), "what is plain text goes to it as well"
    other = shouting.parse(raw(b"# Title\n\nText.\n", "text/markdown"))
    assert isinstance(other, Document)
    assert other.text.startswith("# Title")
    assert "shouter" not in sys.modules, "nothing of it is imported here"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"refuse", "is refused"),
        (b"nothing", "the parser shout gave no document"),
        (b"explode secret", "the parser failed on it"),
        (b"die", "crashed the parser"),
        (b" ", "holds no text"),
    ],
)
def test_what_it_does_costs_that_document_only(shouting: GuardedParser, content: bytes, reason: str) -> None:
    found = shouting.parse(raw(content))
    assert isinstance(found, Skipped)
    assert (reason in found.reason, "secret" in found.reason.lower(), found.parser) == (True, False, "shout:7")
    assert isinstance(shouting.parse(raw(b"Hello.")), Document)


def test_only_what_it_took_over_is_parsed_again(shouting: GuardedParser) -> None:
    """A document is made as it would be now where its parser is among the versions."""
    with GuardedParser() as usual:
        html, rst, text = (raw(b"Some words.", kind) for kind in ("text/html", "text/x-rst", "text/plain"))
        before = [usual.parse(each) for each in (html, rst, text)]
        made = [each.parser in shouting.versions for each in before if isinstance(each, Document)]
        assert made == [False, False, True]
        again = [shouting.parse(each) for each in (html, rst, text)]
        assert all(isinstance(each, Document) and each.parser in shouting.versions for each in again)
        assert not any(isinstance(each, Document) and each.parser in usual.versions for each in again[:2])


def test_what_shares_a_format_with_what_was_taken_is_parsed_once_more() -> None:
    claims = Claims((Claim("other", "1", frozenset({"application/xhtml+xml"})),))
    html, markdown = format_of("text/html"), format_of("text/markdown")
    assert html is not None
    assert markdown is not None
    assert (claims.beside(html) != "", claims.beside(markdown), Claims().beside(html)) == (True, "", "")


def test_the_first_named_reads_what_two_could(package: Callable[..., None]) -> None:
    package("shouter", PARSER, shout="Shouting")
    package("whisperer", PARSER.replace("upper()", "lower()").replace('"7"', '"8"'), whisper="Shouting")
    with GuardedParser(parsers=["whisper", "shout"]) as parser:
        found = parser.parse(raw(b"Hello."))
    assert isinstance(found, Document)
    assert (found.text, found.parser) == ("hello.", "whisper:8")


def test_it_is_given_its_folder(package: Callable[..., None], tmp_path: Path) -> None:
    package("shouter", PARSER, shout="Shouting")
    with GuardedParser(parsers=[f"shout:{tmp_path}"]) as parser:
        found = parser.parse(raw(b"Hello."))
    assert isinstance(found, Document)
    assert found.text == f"HELLO.{tmp_path}"


@pytest.mark.parametrize("written", ["absent", "shout:relative", "shout:/no/such/folder", "", ":x", "a b", "../x"])
def test_what_cannot_be_meant_is_told_at_once(package: Callable[..., None], written: str) -> None:
    package("shouter", PARSER, shout="Shouting")
    with pytest.raises(ConfigError) as caught:
        choose([written])
    assert caught.value.hint


def test_two_packages_with_one_name_are_none(package: Callable[..., None]) -> None:
    package("shouter", PARSER, shout="Shouting")
    package("imposter", PARSER, shout="Shouting")
    with pytest.raises(ConfigError, match="several packages"):
        choose(["shout"])


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        ("import no_such_library", "needs no_such_library, which is not installed"),
        ("raise RuntimeError('secret')", "cannot be loaded (RuntimeError)"),
        ("", "cannot be loaded (AttributeError)"),
        ("class Shouting: media_types = frozenset({'text/html'})", "cannot be loaded (AttributeError)"),
        ("class Shouting: media_types = frozenset(); version = '1'", "has no version, or reads no media types"),
        ("class Shouting: media_types = ['text/html']; version = '1'", "has no version, or reads no media types"),
        ("class Shouting: media_types = frozenset({'text/html'}); version = ' '", "has no version"),
        ("class Shouting: media_types = frozenset({'a', 1}); version = '1'", "no media type"),
        ("class Shouting: media_types = frozenset({'text/html'}); version = '1'", "has no parse"),
    ],
)
def test_one_that_is_no_parser_is_told(package: Callable[..., None], code: str, trouble: str) -> None:
    package("shouter", code, shout="Shouting")
    with GuardedParser(parsers=["shout"]) as parser, pytest.raises(ConfigError) as caught:
        parser.versions  # noqa: B018 - asked once, before anything is parsed
    assert trouble in caught.value.message
    assert "secret" not in caught.value.message
    assert caught.value.hint


def test_one_that_ends_the_child_is_told(package: Callable[..., None]) -> None:
    package("shouter", "import os; os._exit(1)", shout="Shouting")
    with GuardedParser(parsers=["shout"]) as parser, pytest.raises(ConfigError, match="could not be loaded"):
        parser.versions  # noqa: B018


@pytest.mark.parametrize(
    "answer",
    [{}, {"parsers": 1}, {"parsers": [["a", "1", []]]}, {"parsers": [["a", "1", ["no type"]]]}, {"parser": []}],
)
def test_what_a_child_tells_is_believed_in_nothing(answer: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Claims.told(answer)


def test_the_command_line_runs_it_from_the_users_own_settings(
    package: Callable[..., None], cli: CommandLine, here: Here
) -> None:
    package("shouter", PARSER, shout="Shouting")
    run = here(cli)
    (cli.home / "page.html").write_text("<p>The allowance is 62 euros.")
    (cli.home / "note.md").write_text("# Note\n\nA note.\n")
    assert run("ingest", "page.html", "note.md").code == 0
    chosen = run("sync", "--json", env={"HYBRIDRAG_PARSERS": "shout"})
    assert chosen.json["documents"] | {"updated": 1, "unchanged": 1} == chosen.json["documents"]
    assert "ALLOWANCE" in run("documents", "show", "page.html").out
    again = run("sync", "--json", env={"HYBRIDRAG_PARSERS": "shout"})
    assert (again.json["documents"]["unchanged"], again.json["stages"]["parse"]) == (2, 0)
    assert run("sync", "--json").json["documents"]["updated"] == 1
    assert "allowance" in run("documents", "show", "page.html").out
    unknown = run("sync", env={"HYBRIDRAG_PARSERS": "absent"})
    assert (unknown.code, "there is no parser 'absent'" in unknown.err) == (3, True)
    (cli.home / "hybridrag.toml").write_text('parsers = ["shout"]\n')
    project = run("sync")
    assert (project.code, "a project file may not set parsers" in project.err) == (3, True)


def test_loading_is_the_childs_affair() -> None:
    with pytest.raises(NotLoadedError):
        Loaded([Chosen("x", "no_such_module:x")])
