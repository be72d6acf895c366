"""A reply while it arrives: what is certain is shown at once, markers only once their passage was read.

What was shown, put together, is the answer: nothing is taken back. `docs/decisions/0035-streaming.md` tells the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import regex

from hybridrag.answering.citations import Marked, cited, numbers_of
from hybridrag.answering.claims import Asides, is_claim
from hybridrag.answering.grounding import Grounding, Verdict
from hybridrag.answering.sentences import sentence_spans
from hybridrag.answering.thoughts import Thoughts
from hybridrag.answering.tokens import TOKEN, is_cut, is_unclosed, may_grow, spaced
from hybridrag.types import Citation, Passage, Sentence

UNSUPPORTED = "[?]"
"""Stands after a sentence that no passage bears out."""

_FENCE = regex.compile(r"(`{3,}|~{3,})[^\n]{0,200}\n")
_FENCE_MAY_COME = regex.compile(r"`{1,2}|~{1,2}|(?:`{3,}|~{3,})[^\n]{0,200}")
_STOP = regex.compile(r"[.!?…][\"'”’»)\]]{0,3}\Z")
_CJK_CLOSERS = "”’」』）"
_CJK_STOP = regex.compile(rf"[。！？][{_CJK_CLOSERS}]{{0,3}}\Z")
_TAIL = 300
"""Characters before a full stop that tell whether it ends a sentence."""
_POINTS = regex.compile(
    r"(?:^|\s)(?:according to|see|per|in|from|by|of|and|passages?|sources?|laut|nach|gemäß|siehe|aus|von|und|quellen?)"
    r"\Z",
    regex.IGNORECASE,
)
"""Before a marker that is a word of its sentence, as in "According to [2], ..."."""
_LONGEST = 2_000
"""Characters after which a sentence is taken to end, whatever it says."""
_EARLY = 4
"""Checks of one sentence before it ends, at most."""


class Stage(Protocol):
    """What text passes while it streams, and which may hold some of it back."""

    def feed(self, text: str, /) -> str: ...

    def flush(self) -> str: ...


class AnswerReader:
    """Reads one reply. `feed` and `finish` give the text to be shown; the rest tells what is in it.

    `stages` are what text goes through on its way, first to last: values are put back, links lose their life. In a
    whole text, `restore` does the one and `harmless` the other. How the reply is cut makes no difference.
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        *,
        grounding: Grounding,
        question: str = "",
        stages: Sequence[Stage] = (),
        restore: Callable[[str], str] = str,
        harmless: Callable[[str], str] = str,
    ) -> None:
        self._passages = {passage.marker: passage for passage in passages}
        self._grounding = grounding
        self._asides = Asides(passages, question)
        self._stages = tuple(stages)
        self._restore = restore
        self._harmless = harmless
        self._left = ""
        self._thoughts = Thoughts()
        self._fence = ""
        self._line_begins = True
        self._begun = False
        self._space = ""
        self._said = _Said()
        self._shown: list[str] = []
        self._marked: list[Marked] = []
        self._unknown: dict[int, None] = {}

    @property
    def text(self) -> str:
        """What was shown so far."""
        return "".join(self._shown)

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences that say something which a passage could bear out."""
        return tuple(marked.sentence for marked in self._marked)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The passages that bear sentences out, in the order of their first marker, and the words that do."""
        return cited(self._passages, self._marked)

    @property
    def warnings(self) -> list[str]:
        warnings = [f"the answer cited passage {number}, which does not exist; removed" for number in self._unknown]
        sentences = self.sentences
        false = sum(len(set(sentence.claimed) - set(sentence.markers)) for sentence in sentences)
        if false:
            warnings.append(f"citations taken out because their passage does not say what they stood for: {false}")
        if unsupported := sum(not sentence.supported for sentence in sentences):
            warnings.append(f"{unsupported} of {len(sentences)} sentences, marked {UNSUPPORTED}, are in no passage")
        return warnings

    def feed(self, delta: str) -> str:
        """What is certain of the text after one more piece of the reply."""
        return self._show(self._read(self._thoughts.feed(delta)))

    def finish(self) -> str:
        """What was held back, at the end of the reply."""
        return self._show(self._read(self._thoughts.flush(), final=True), final=True)

    def _show(self, pieces: Iterator[str], *, final: bool = False) -> str:
        shown = "".join(pieces)
        for stage in self._stages:
            shown = stage.feed(shown) + (stage.flush() if final else "")
        self._shown.append(shown)
        return shown

    # --- tokens ------------------------------------------------------------------------------------------------------

    def _read(self, delta: str, *, final: bool = False) -> Iterator[str]:
        text, at = self._left + delta, 0
        while at < len(text):
            if self._fence:
                end = text.find("\n", at) + 1 or (len(text) if final else 0)
                if not end:
                    break
                yield from self._code(text[at:end])
            elif self._line_begins and not final and _FENCE_MAY_COME.fullmatch(text, at):
                break
            elif self._line_begins and (opening := _FENCE.match(text, at)):
                end = opening.end()
                yield from self._sentence_ends()
                self._fence = opening[1]
                yield from self._words(spaced(opening[0]))
            else:
                if not final and may_grow(text, at):
                    break
                if final and is_cut(text, at):
                    at = len(text)
                    break
                token = TOKEN.match(text, at)
                assert token is not None  # every character is one
                end = token.end()
                yield from self._token(token)
                self._line_begins = "\n" in token[0] or (self._line_begins and not token[0].strip())
            at = end
        self._left = text[at:]
        if final:
            yield from self._sentence_ends()

    def _token(self, token: regex.Match[str]) -> Iterator[str]:
        if token["numbers"] is not None:
            yield from self._marker(token)
        elif token["space"] is not None:
            self._space += token[0]
        elif token["blank"] is not None:
            yield from self._left_out()
        else:
            if self._ended(token[0]):
                yield from self._sentence_ends()
            yield from self._words(token[0] if token["code"] is None else spaced(token[0]))

    def _code(self, line: str) -> Iterator[str]:
        """A line inside a block of code. The block is one sentence."""
        yield from self._words(spaced(line))
        closed = line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0])
        if closed:
            self._fence = ""
            self._line_begins = True
        if closed or len(self._said) > _LONGEST:
            yield from self._sentence_ends()

    def _words(self, words: str) -> Iterator[str]:
        """Words that are shown, with the white space before them, but for what the text begins with."""
        spoken = self._space + words if self._begun else words
        self._begun, self._space = True, ""
        self._said.add(spoken)
        yield spoken

    # --- sentences ---------------------------------------------------------------------------------------------------

    def _ended(self, following: str) -> bool:
        """Whether what was said so far is a whole sentence, now that these words follow."""
        if not self._said:
            return False
        if "\n" in self._space or len(self._said) > (_LONGEST if self._space else 2 * _LONGEST):
            return True
        tail = self._said.tail.lstrip()
        if _CJK_STOP.search(tail):
            return following[0] not in _CJK_CLOSERS
        if not self._space or not _STOP.search(tail):
            return False
        return sentence_spans(f"{tail} {following[0]}A")[-1][0] == len(tail) + 1

    def _marker(self, token: regex.Match[str]) -> Iterator[str]:
        numbers = numbers_of(token["numbers"])
        if len(numbers) > 1 and numbers[0] not in self._passages:
            # A list or a range of something else.
            yield from self._words(token[0] if self._passages.keys().isdisjoint(numbers) else spaced(token[0]))
            return
        known = [number for number in numbers if number in self._passages]
        self._unknown.update(dict.fromkeys(number for number in numbers if number not in self._passages))
        said = self._said
        said.claimed.update(dict.fromkeys(known))
        blank = token["blank"] or (" " if self._space else "")
        if _POINTS.search(said.tail):
            yield f"{blank}({', '.join(map(str, known))})" if known else ""  # a word, which nothing has borne out yet
        elif known and said.checks < _EARLY and is_claim(claim := self._claim()):
            verdict = self._checked(claim)
            if verdict.supported:  # if it is not, perhaps the whole sentence is
                before = tuple(said.shown)
                yield from self._marks([number for number in verdict.markers if number in said.claimed], blank)
                if new := tuple(number for number in said.shown if number not in before):
                    said.parts_borne_out.append(self._marked_by(claim, verdict, new))
                    return
        yield from self._left_out()

    def _left_out(self) -> Iterator[str]:
        """What stands in place of a marker or a sign of doubt: nothing, unless what is around it would be another."""
        if is_unclosed(self._said.tail):
            yield from self._words("…")

    def _sentence_ends(self) -> Iterator[str]:
        """Checks the sentence as a whole. What it is not marked with yet comes before the white space after it."""
        said, claim = self._said, self._claim()
        if not claim:
            return  # markers may stand before what they belong to
        if said.claimed or is_claim(claim) or self._asides.claims(claim):
            verdict = self._checked(claim)
            if verdict.supported:
                yield from self._marks([n for n in verdict.markers if n in said.claimed] or verdict.markers[:1], " ")
            else:
                yield f"{UNSUPPORTED}\n" if said.tail.endswith("\n") else f" {UNSUPPORTED}"
            markers = tuple(n for n in said.shown if n in verdict.markers) if verdict.supported else ()
            self._marked += [part for part in said.parts_borne_out if not set(part.sentence.markers) <= set(markers)]
            self._marked.append(self._marked_by(claim, verdict, markers))
        self._said = _Said()

    def _marked_by(self, claim: str, verdict: Verdict, markers: tuple[int, ...]) -> Marked:
        sentence = Sentence(
            text=self._harmless(claim),
            markers=markers,
            supported=verdict.supported,
            claimed=tuple(self._said.claimed),
            reason=verdict.reason,
        )
        return Marked(sentence, verdict.quotes)

    def _marks(self, numbers: Sequence[int], blank: str) -> Iterator[str]:
        new = [number for number in numbers if number not in self._said.shown]
        self._said.shown.update(dict.fromkeys(new))
        if new:
            yield blank + "".join(f"[{number}]" for number in new)

    def _claim(self) -> str:
        return self._restore("".join(self._said.parts)).strip()

    def _checked(self, claim: str) -> Verdict:
        asked = claim, tuple(self._said.claimed)
        if self._said.checked is None or self._said.checked[0] != asked:
            self._said.checked = asked, self._grounding.check(*asked)
            self._said.checks += 1
        return self._said.checked[1]


@dataclass
class _Said:
    """The sentence that is being said: its raw text, the markers it was written with, those that are shown."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    tail: str = ""
    claimed: dict[int, None] = field(default_factory=dict)
    shown: dict[int, None] = field(default_factory=dict)
    parts_borne_out: list[Marked] = field(default_factory=list)
    checks: int = 0
    checked: tuple[tuple[str, tuple[int, ...]], Verdict] | None = None

    def __len__(self) -> int:
        return self.length

    def add(self, words: str) -> None:
        self.parts.append(words)
        self.length += len(words)
        self.tail = (self.tail + words)[-_TAIL:]
