"""The lines of a conversation: each is a question that is answered, or a command that is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from hybridrag.cli.console import one_line, printable
from hybridrag.cli.session import Session
from hybridrag.errors import HybridragError, UsageError

if TYPE_CHECKING:
    from hybridrag.flows.chat import Chat
    from hybridrag.privacy.conversation import Cited, Spoken

_PROMPT = "> "
_COMMANDS: Mapping[str, str] = {
    "/sources": "the words that the last answer cites, and where they stand",
    "/outbound": "the exact request of the last question; /outbound QUESTION: what would leave for this one",
    "/save": "keep this conversation, encrypted, from now on; /save NAME",
    "/help": "these commands",
    "/quit": "leave; so does Ctrl-D",
}


class Loop:
    """Reads lines until they end, and answers each. `keep` saves the conversation under a name."""

    def __init__(
        self, session: Session, talk: Chat, *, live: bool, require_grounded: bool, keep: Callable[[str], None]
    ) -> None:
        self._session = session
        self._chat = talk
        self._live = live
        self._require_grounded = require_grounded
        self._keep = keep
        self._terminal = sys.stdin.isatty()
        self._asked = 0
        self._aged = False

    def run(self) -> int:
        """The exit code of the last turn or command that failed; 0 where none did."""
        if self._terminal:
            turns = len(self._chat.turns)
            self._session.notice(f"{turns} earlier turns; /help shows commands" if turns else "/help shows commands")
        code = 0
        while (line := self._line()) is not None:
            try:
                if not self._taken(line):
                    break
            except HybridragError as exc:
                from hybridrag.cli.main import tell

                code = tell(exc, self._session.flags)
            except KeyboardInterrupt as exc:
                if not self._terminal or type(exc) is not KeyboardInterrupt:  # SIGTERM, which ends everything
                    raise
                self._session.notice("stopped")
        if self._terminal and self._chat.turns and self._chat.name is None:
            self._session.notice("this conversation was not kept")
        return code

    def _taken(self, line: str) -> bool:
        """Does what a line says. False where it ends the conversation."""
        if line.startswith("/"):
            word, _, rest = line.strip().partition(" ")
            return self._commanded(word, rest.strip())
        if line.strip():
            try:
                self._answer(line)
            finally:
                self._chat.save()  # after the answer is shown; what was said until it was stopped, too
        return True

    def _line(self) -> str | None:
        """The next line; None at the end of them, and where a terminal's user interrupts twice."""
        interrupted = False
        while True:
            try:
                return _typed() if self._terminal else _read()
            except EOFError:
                if self._terminal:
                    sys.stderr.write("\n")
                return None
            except KeyboardInterrupt as exc:
                if not self._terminal or type(exc) is not KeyboardInterrupt:
                    raise
                sys.stderr.write("\n")
                if interrupted:
                    return None
                interrupted = True
                self._session.notice("Ctrl-C once more, or Ctrl-D, leaves")

    # --- questions ---------------------------------------------------------------------------------------------------

    def _answer(self, line: str) -> None:
        from hybridrag.cli.answers import AnswerWriter, answer_json, check_grounded, show_answer
        from hybridrag.cli.questions import question_of

        self._asked += 1
        # With its line's end it is never taken for `-`, which reads all the lines that follow.
        question = question_of(f"{line}\n")
        with AnswerWriter() as writer:
            answer, spoken = self._chat.ask(
                question,
                on_text=writer if self._live else None,
                check=lambda found: check_grounded(found, required=self._require_grounded),
            )
        places, freshness = self._session.wiring.whereabouts(answer)
        flags = self._session.flags
        if flags.json:
            told = answer_json(answer, places=places, freshness=freshness)
            _print_line(self._numbered(told, spoken))
            return
        show_answer(
            answer,
            streamed=writer.wrote,
            verbose=flags.verbose,
            quiet=flags.quiet,
            places=places,
            freshness=freshness,
            age=not self._aged,
        )
        self._aged = self._aged or bool(freshness and freshness.age)

    def _numbered(self, told: dict[str, Any], spoken: Spoken) -> dict[str, Any]:
        """The `hybridrag.chat/1` object: that of `ask`, and which line and conversation it belongs to."""
        return {
            **told,
            "schema": "hybridrag.chat/1",
            "turn": self._asked,
            "conversation": self._chat.name,
            "query": spoken.turn.query,
        }

    # --- commands ----------------------------------------------------------------------------------------------------

    def _commanded(self, command: str, argument: str) -> bool:
        if command == "/quit":
            return False
        if command == "/sources":
            self._sources()
        elif command == "/outbound":
            body = self._chat.outbound(argument or None)
            sys.stdout.flush()
            sys.stdout.buffer.write(body + b"\n")
            sys.stdout.buffer.flush()
        elif command == "/save":
            self._save(argument)
        elif command == "/help":
            for name, does in _COMMANDS.items():
                sys.stderr.write(f"{name:10} {does}\n")
        else:
            near = get_close_matches(command.lower(), _COMMANDS, n=1, cutoff=0.4)
            raise UsageError(
                f"{command} is no command",
                hint=f"{f'did you mean {near[0]}? ' if near else ''}/help shows all; "
                "a question that begins with / takes a blank before it",
            )
        return True

    def _sources(self) -> None:
        if not self._chat.turns:
            raise UsageError("nothing was answered yet", hint="ask something first")
        cited = self._chat.turns[-1].citations
        if self._session.flags.json:
            _print_line({"schema": "hybridrag.chat.sources/1", "citations": [_cited_json(each) for each in cited]})
            return
        if not cited:
            self._session.notice("the last answer cites nothing")
        for each in cited:
            page = f" p.{each.page}" if each.page is not None else ""
            path = f"  {' > '.join(each.headings)}" if each.headings else ""
            sys.stdout.write(f"[{each.marker}] {one_line(f'{each.uri}{page}{path}')}\n")
            for quote in each.quotes:
                sys.stdout.write(f"    {printable(' '.join(quote.text.split()))}\n")
        sys.stdout.flush()

    def _save(self, name: str) -> None:
        if self._chat.name is not None and name in ("", self._chat.name):
            self._session.notice(f"kept as {self._chat.name} after every answer")
            return
        self._keep(name or datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S"))
        self._session.notice(f"kept as {self._chat.name} from now on; hybridrag chat --resume {self._chat.name}")


def _typed() -> str:
    """A line typed at a terminal, with editing. What was typed is at hand with the arrow keys, and in no file.

    Raises EOFError.
    """
    if sys.stdout.isatty():
        import readline  # noqa: F401 - what `input` edits with, once it is loaded

        return input(_PROMPT)
    sys.stderr.write(_PROMPT)  # stdout is for answers
    sys.stderr.flush()
    return _read()


def _read() -> str:
    """A line of stdin. Raises EOFError."""
    from hybridrag.cli.questions import MOST_CHARACTERS

    most = 4 * MOST_CHARACTERS + 2
    line = sys.stdin.buffer.readline(most)
    if not line:
        raise EOFError
    if not line.endswith(b"\n"):
        while len(rest := sys.stdin.buffer.readline(most)) == most and not rest.endswith(b"\n"):
            pass  # no question is that long, and the rest of its line is no question
    return line.decode("utf-8", "replace").rstrip("\r\n")


def _cited_json(cited: Cited) -> dict[str, Any]:
    return {
        "marker": cited.marker,
        "document": {
            "id": str(cited.document),
            "uri": cited.uri,
            "title": cited.title,
            "label": cited.label.value,
        },
        "page": cited.page,
        "headings": list(cited.headings),
        "quotes": [{"start": quote.start, "text": quote.text} for quote in cited.quotes],
    }


def _print_line(value: dict[str, Any]) -> None:
    """One object on one line, and at once: whoever reads them waits for it."""
    from hybridrag.cli.console import json_text

    sys.stdout.write(json_text(value, sys.stdout).encode("utf-8", "replace").decode() + "\n")
    sys.stdout.flush()
