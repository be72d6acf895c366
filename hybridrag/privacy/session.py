"""One request, or one turn of a conversation: its texts redacted under one map, and its answer restored."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from hybridrag.errors import BlockedByPolicy
from hybridrag.ports import Detector
from hybridrag.privacy.occurrences import CANARY, Occurrences
from hybridrag.privacy.plaintext.normalise import BARRIER, shield
from hybridrag.privacy.policy import Policy
from hybridrag.privacy.pseudonyms import Pseudonyms, Value, derive_nonce, strictness
from hybridrag.privacy.restore import Restorer
from hybridrag.privacy.scanning import fail_closed, findings, merge
from hybridrag.types import Action, Label, Piece, Redacted, Replacement, Span

_ROUNDS = 8
Text: TypeAlias = "str | Sequence[Piece]"
"""A text of a request as it will stand there, with the labels of its parts where it has any."""


class Session:
    """Made by `Gateway.open`. The map it holds never leaves memory."""

    def __init__(
        self,
        texts: Sequence[Text],
        *,
        detectors: Sequence[Detector],
        key: bytes,
        plain: bool,
        added: Sequence[Detector] = (),
        strict: Sequence[Detector] = (),
        policy: Policy | None = None,
        previous: Pseudonyms | None = None,
    ) -> None:
        """`added` search texts as they are given, and not what was redacted already: a model takes other words for
        names once their neighbours are replaced, and would never come to rest. `strict` search where the policy is
        strict. `previous` is the map of the turns before.
        """
        self.plain = plain
        self._detectors = tuple(detectors)
        self._added = tuple(added)
        self._strict = tuple(strict)
        self._policy = policy or Policy()
        self._raw: dict[tuple[str, int], list[Span]] = {}
        self._redacted: dict[tuple[Piece, ...], tuple[int, Redacted]] = {}
        self._clean: dict[str, int] = {}
        messages = [_Message.of(text) for text in texts]
        self.labels = frozenset(piece.label for message in messages for piece in message.pieces)
        """The labels of everything the session was opened with."""
        self._strictest = Label.strictest(Label.PUBLIC, *self.labels)
        self._ours = frozenset(
            word for message in messages for piece in message.pieces if piece.ours for word in _words(piece.text)
        )
        self._pseudonyms = self._begun([message.text for message in messages], key, previous)
        self._occurrences: Occurrences | None = None
        self._values_seen = 0
        if not plain:
            # Every value is known before the first text is redacted, so what one text shows is masked in all of them.
            self._pseudonyms.learn(pair for message in messages for pair in self._learnt(message))

    @property
    def pseudonyms(self) -> Pseudonyms:
        """The map, for the next turn of a conversation."""
        return self._pseudonyms

    @property
    def counts(self) -> Mapping[str, int]:
        """How many values were replaced in the texts redacted so far, by type."""
        return MappingProxyType(Counter(span.type for _, done in self._redacted.values() for span in done.spans))

    @property
    def rules(self) -> Mapping[str, int]:
        """The same by rule."""
        return MappingProxyType(Counter(span.rule for _, done in self._redacted.values() for span in done.spans))

    @property
    def blocked(self) -> tuple[Span, ...]:
        """What the policy blocks in the texts redacted so far; the gateway seals no request with any."""
        return tuple(span for _, done in self._redacted.values() for span in done.blocked)

    def redact(self, text: Text) -> Redacted:
        """`text` with every value replaced as the policy has it for the label of its place; unchanged if plain.

        Redacting the result finds nothing new, and neither does the gateway's scan of it. Redact a message as a whole,
        as it will stand in the request: context that only arises by joining redacted pieces blocks at sealing.
        Raises BlockedByPolicy if a detector fails or the text cannot be brought to rest.
        """
        message = _Message.of(text)
        if self.plain:
            return Redacted(message.text)
        at, known = self._redacted.get(message.pieces, (-1, None))
        if known is not None and at == self._pseudonyms.size:
            return known
        with fail_closed("redacting"):
            return self._redact(message)

    def restorer(self) -> Restorer:
        """For an answer that arrives in pieces."""
        return Restorer(self._pseudonyms)

    def restore(self, text: str) -> str:
        """A whole answer with its values put back. Marks that are not of this session stay."""
        restorer = self.restorer()
        return restorer.feed(text) + restorer.flush()

    def find(self, text: str) -> tuple[Span, ...]:
        """What may not leave in `text`, this session's own marks aside. Raises BlockedByPolicy if a detector fails.

        What this session redacted itself was searched in exactly this form, label by label, under the same map, and is
        not searched again.
        """
        if self._clean.get(text) == self._pseudonyms.size:
            return ()
        with fail_closed("checking the request"):
            return self._find(_Message.of(text))

    def altered(self, answer: str) -> int:
        """How many marks of this session were changed beyond recognition in a restored answer.

        Our nonce is in no text that was given, so wherever it is left, a mark was meant.
        """
        nonce = self._pseudonyms.nonce
        return answer.count(nonce) - sum(1 for _ in self._pseudonyms.marks_in(answer)) if nonce else 0

    def marks(self, texts: Iterable[str]) -> Mapping[str, int]:
        """How many marks of this session stand in `texts`, by type of value."""
        return Counter(mark["type"] for text in texts for mark in self._pseudonyms.marks_in(text))

    def _begun(self, texts: Sequence[str], key: bytes, previous: Pseudonyms | None) -> Pseudonyms:
        if self.plain:
            return Pseudonyms("")
        with fail_closed("reading the request"):
            if previous is None:
                return Pseudonyms(derive_nonce(texts, key), key=key)
            return previous.continued(derive_nonce(texts, key, wanted=previous.nonce))

    def _learnt(self, message: _Message) -> Iterator[tuple[Value, Action]]:
        with fail_closed("reading the request"):
            for span in self._apart(message.text, self._merged(self._searched(message), message)):
                yield _value(message.text, span), self._action(span, message)

    def _redact(self, message: _Message) -> Redacted:
        spans = self._find(message)
        for _ in range(_ROUNDS):
            rendered = self._render(message, spans)
            residual = self._find(rendered.message, again=True)
            if not residual:
                break
            spans = self._apart(message.text, merge([*spans, *(rendered.original(span) for span in residual)]))
        else:
            raise BlockedByPolicy(
                "A text still held personal data after it was redacted eight times; nothing was sent.",
                hint="Leave the document out with --filter, and report the case: `hybridrag redact FILE` shows it.",
            )
        redacted = Redacted(rendered.message.text, self._with_allowed(message, rendered.replacements))
        # Valid while the map does not grow: a new value may stand in this text too.
        self._redacted[message.pieces] = (self._pseudonyms.size, redacted)
        self._clean[redacted.text] = self._pseudonyms.size
        return redacted

    def _find(self, message: _Message, *, again: bool = False) -> tuple[Span, ...]:
        """What has to be replaced in a message: found by a detector, known beforehand, or a value of the map.

        `again` says that it was redacted already.
        """
        if self._occurrences is None or self._values_seen != self._pseudonyms.size:
            self._occurrences = Occurrences(
                value for value in self._pseudonyms.values() if self._pseudonyms.action(value) != "allow"
            )
            self._values_seen = self._pseudonyms.size
        guarded = self._guarded(message.text)
        return self._apart(
            message.text,
            self._merged([*self._searched(message, again=again), *self._occurrences.find(guarded)], message),
        )

    def _searched(self, message: _Message, *, again: bool = False) -> Iterator[Span]:
        """What detectors see in a message, and what is known of its pieces, overlaps and all."""
        guarded = self._guarded(message.text)
        yield from self._scanned(guarded, self._detectors)
        if self._added and not again:
            yield from self._scanned(guarded, self._added)
        for start, piece in message.places():
            for span in piece.known:
                yield _shifted(span, start)
            if self._strict and not piece.ours and self._policy.strict(piece.label):
                for span in self._scanned(self._guarded(piece.text), self._strict):
                    # What the program itself says is no secret, and has to stay readable.
                    if not self._ours.issuperset(_words(piece.text[span.start : span.end])):
                        yield _shifted(span, start)

    def _scanned(self, guarded: str, detectors: tuple[Detector, ...]) -> list[Span]:
        key = guarded, id(detectors)
        if key not in self._raw:
            self._raw[key] = findings(guarded, detectors)
        return self._raw[key]

    def _merged(self, spans: Iterable[Span], message: _Message) -> tuple[Span, ...]:
        """Without what is allowed where it stands; where spans overlap, the stricter treatment wins."""

        def rank(span: Span) -> int:
            return strictness(self._action(span, message))

        return merge((span for span in spans if rank(span)), rank=rank)

    def _action(self, span: Span, message: _Message) -> Action:
        """What the policy does with a span where it stands; with a value of the map, under the strictest label."""
        return self._policy.action(span.type, self._strictest if span.rule == CANARY else message.label(span))

    def _with_allowed(self, message: _Message, done: Sequence[Replacement]) -> tuple[Replacement, ...]:
        """The replacements and, beside them, what was found and may stay."""
        allowed = [
            Replacement(span, "allow", message.text[span.start : span.end])
            for span in merge(span for span in self._searched(message) if self._action(span, message) == "allow")
        ]
        starts = [each.span.start for each in done]

        def free(span: Span) -> bool:
            before = bisect_right(starts, span.end - 1) - 1
            return before < 0 or done[before].span.end <= span.start

        return tuple(sorted([*done, *(one for one in allowed if free(one.span))], key=lambda each: each.span.start))

    def _guarded(self, text: str) -> str:
        return self._pseudonyms.guarded(shield(text))

    def _apart(self, text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
        """Spans cut where one of our marks stands, without blanks at their ends; what is only a mark vanishes."""
        guarded = self._guarded(text)
        pieces: list[Span] = []
        for span in spans:
            start = span.start
            for part in guarded[span.start : span.end].split(BARRIER):
                end = start + len(part)
                left, right = len(part) - len(part.lstrip()), len(part) - len(part.rstrip())
                if part.strip() and (len(part) == span.end - span.start or any(map(str.isalnum, part))):
                    pieces.append(Span(start + left, end - right, span.type, span.rule))
                start = end + 1
        return tuple(pieces)

    def _render(self, message: _Message, spans: Sequence[Span]) -> _Rendered:
        text = message.text
        out: list[str] = []
        kept: list[_Kept] = []
        replacements: list[Replacement] = []
        length = done = 0
        for span in spans:
            value = _value(text, span)
            mark = self._pseudonyms.mark(value, self._action(span, message))
            replacements.append(Replacement(span, self._pseudonyms.action(value), mark))
            kept.append(_Kept(length, done, span.start))
            out += (text[done : span.start], mark)
            length += span.start - done + len(mark)
            done = span.end
        kept.append(_Kept(length, done, len(text)))
        out.append(text[done:])
        return _Rendered(message, "".join(out), tuple(kept), tuple(replacements))


@dataclass(frozen=True)
class _Message:
    """The pieces of a text and the text they make."""

    pieces: tuple[Piece, ...]

    @staticmethod
    def of(text: Text) -> _Message:
        return _Message((Piece(text),) if isinstance(text, str) else tuple(text))

    @cached_property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(accumulate((len(piece.text) for piece in self.pieces), initial=0))

    def places(self) -> Iterator[tuple[int, Piece]]:
        """Each piece with where it begins."""
        return zip(self._starts, self.pieces, strict=False)

    def label(self, span: Span) -> Label:
        """The strictest label of what a span touches."""
        first = bisect_right(self._starts, span.start) - 1
        last = bisect_right(self._starts, span.end - 1) - 1
        if first == last:
            return self.pieces[first].label
        return Label.strictest(*(piece.label for piece in self.pieces[first : last + 1]))


class _Kept(NamedTuple):
    """A stretch of the original that stands as it was: it begins at `here` in the redacted text."""

    here: int
    start: int
    end: int


@dataclass(frozen=True)
class _Rendered:
    """A message with marks in it, and what stands between them."""

    source: _Message
    text: str
    kept: tuple[_Kept, ...]
    replacements: tuple[Replacement, ...]

    @cached_property
    def message(self) -> _Message:
        """The redacted text in the pieces of the original, each with its label. A mark over a border is the first's."""
        pieces: list[Piece] = []
        done = 0
        for start, piece in self.source.places():
            end = max(done, self._here(start + len(piece.text)))
            pieces.append(Piece(self.text[done:end], piece.label, ours=piece.ours))
            done = end
        return _Message(tuple(pieces))

    def original(self, span: Span) -> Span:
        """A span of the redacted text, which touches no mark, as a span of the original."""
        stretch = self.kept[bisect_right(self.kept, span.start, key=lambda kept: kept.here) - 1]
        return _shifted(span, stretch.start - stretch.here)

    def _here(self, position: int) -> int:
        """Where a place of the original is in the redacted text; behind the mark, if one stands over it."""
        number = bisect_right(self.kept, position, key=lambda kept: kept.start) - 1
        stretch = self.kept[number]
        if position > stretch.end:
            return self.kept[number + 1].here
        return stretch.here + position - stretch.start


def _value(text: str, span: Span) -> Value:
    return Value(text[span.start : span.end], span.type, span.rule)


def _shifted(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by, span.type, span.rule)


def _words(text: str) -> list[str]:
    return text.casefold().split()
