"""Links and images in an answer that no document holds lose their life, while the text streams.

A document can make a model write an address that carries what else is in the prompt to somebody's server: on a click
or, as an image, at once. What the documents hold letter for letter carries nothing. See docs/decisions/0031-links.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from hybridrag.answering.addresses import LONGEST, KnownAddresses, is_address, undisguised

_PIECE = re.compile(r"\s+|[^\s]+")
_DENSE = re.compile("([\u0e00-\u0e7f\u1780-\u17ff\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff01\uff0c\uff1b\uff1f])")
"""Characters of scripts without blanks between words: one ends a word, unless that began as an address."""
_HELD_FROM = re.compile(r"[:./@&%\\<\[\]!：．／＠]")
"""Nothing before the first of these can be a link or a part of its end."""
_REMEMBERED = 64
_SIGNS = re.compile(r":(?=\S)|[.@](?=[\w%\\\[-])")
_ALL_SIGNS = re.compile(r"[.:@]")
_NUMBERED = re.compile(r"!?\[(\d{1,3}(?:[,;–-]\d{1,3})*)\](?:(?=:)|(?=(\()))")
_CITED = re.compile(r"\[(\d{1,3})\]")
_IMAGE = re.compile(r"!+\[(?!\d{1,3}\])")
_DEFINITION = re.compile(r"^([^\[]*|[^\w\[]*\[[^\[\]]*)\]:")
_TAG = re.compile(
    r"<(?=[A-Za-z/!?])(?P<plain>/?(?P<name>[A-Za-z][\w-]*)>)?(?P<address>[A-Za-z][A-Za-z0-9+.-]*:[^<>]+>)?"
)
_LIVE = re.compile(
    r"""a|applet|area|audio|base|body|button|embed|form|frame|frameset|head|html|iframe|image|img|input|isindex|link|math
    |meta|noscript|object|plaintext|portal|script|select|style|svg|template|textarea|title|video|xmp""",
    re.VERBOSE | re.IGNORECASE,
)
"""Elements that do something, or change how what follows is read, even without attributes."""


class LinkGuard:
    """Gives text back as it comes, with addresses that stand in no known text written as `https[:]//evil[.]com`.

    Markdown and HTML that would make a link or an image of something else become plain text. Only the end of a word
    with a sign of an address in it is held back, up to 2,000 characters. Where the text was cut makes no difference.
    `defused` counts what was changed.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known = KnownAddresses(known)
        self._start()
        self.defused = 0

    def feed(self, text: str) -> str:
        """What is certain of the text after one more piece of it."""
        return "".join(self._read(text))

    def flush(self) -> str:
        """What was held back, at the end of the text."""
        shown = self._end_of_word()
        self._start()
        return shown

    def whole(self, text: str) -> str:
        """A text of its own, made harmless and not counted."""
        other = LinkGuard(())
        other._known = self._known  # reading them again would take as long as it did
        return other.feed(text) + other.flush()

    def _start(self) -> None:
        self._before = ""  # the end of what was shown of the word
        self._held = ""
        self._address = False  # whether what is held is one
        self._endless = False
        self._in_image = False

    def _read(self, text: str) -> Iterator[str]:
        for piece in _PIECE.findall(text):
            if piece.isspace():
                yield self._end_of_word() + piece
                if "\n" in piece:
                    self._in_image = False
                continue
            for part in _DENSE.split(piece):
                if len(part) == 1 and _DENSE.match(part) and not self._within_address(part):
                    yield self._end_of_word() + part
                elif part:
                    yield self._longer(part)

    def _within_address(self, following: str) -> bool:
        """Whether the word so far, with what follows, is an address: anything but a blank may then belong to it."""
        if not self._address and self._held:
            self._address = is_address(self._before + self._held + following)
        return self._address or self._endless

    def _longer(self, part: str) -> str:
        if self._endless:
            return _lifeless(part)
        shown = ""
        if not self._held:
            sign = _HELD_FROM.search(part)
            end = sign.start() if sign else len(part)
            shown, part = part[:end], part[end:]
            self._before = (self._before + shown)[-_REMEMBERED:]
        self._held += part
        if len(self._held) > LONGEST:
            shown += _lifeless(self._held)
            self._endless, self._held = True, ""
            self.defused += 1
        return shown

    def _end_of_word(self) -> str:
        before, held = self._before, self._held
        self._before, self._held, self._address, self._endless = "", "", False, False
        return self._judged(before, held) if held else ""

    def _judged(self, before: str, held: str) -> str:
        """The end of a word as it is shown; `before` is what was shown of it."""
        in_image = self._in_image or bool(_IMAGE.search(held))
        self._in_image = in_image and "](" not in held and "]" not in _IMAGE.split(held)[-1]
        word = before + held
        harmless = self._known.hold_all_of(word) and not (in_image and is_address(word))
        plain = held if harmless else _SIGNS.sub(lambda sign: f"[{sign[0]}]", _read_plainly(held))
        keep = self._known.holds if harmless else _holds_nothing
        shown = _without_markup(before, plain, keep=keep)
        self.defused += not harmless or shown != _IMAGE.sub("[", held)
        return shown


def _read_plainly(text: str) -> str:
    """`text` undisguised; of brackets that this only now makes a citation, none is one."""
    plain = undisguised(text)
    before, after = (len(_CITED.findall(view)) for view in (text, plain))
    return _CITED.sub(r"(\1)", plain) if after > before else plain


def _without_markup(before: str, text: str, *, keep: Callable[[str], bool]) -> str:
    """`text`, which follows `before` in a word, with what makes links, images and elements taken apart.

    `keep` tells which addresses may be followed.
    """
    item = text.startswith("[") and bool(before)  # `items[0]: ...` defines nothing
    text = _NUMBERED.sub(lambda found: _uncited(found, item=item), text)
    text = _IMAGE.sub("[", text)
    if text.startswith("](") and before[-1:].isdigit() and "[" not in before:
        text = f" ({text[2:]}"
    text = text.replace("](", "] (")  # an address that may be followed is seen, not hidden behind other words
    if not item:
        text = _DEFINITION.sub(r"\1] :", text)
    return _TAG.sub(lambda tag: tag[0] if _is_harmless(tag, keep=keep) else f"< {tag[0][1:]}", text)


def _uncited(link: re.Match[str], *, item: bool) -> str:
    """A link of numbers in other brackets: it would look like a citation."""
    if item and link.start() == 0 and not link[2]:
        return link[0]
    return f"({link[1]}){' ' if link[2] else ''}"


def _is_harmless(tag: re.Match[str], *, keep: Callable[[str], bool]) -> bool:
    if tag["address"]:
        return keep(tag["address"][:-1])
    return bool(tag["plain"]) and not _LIVE.fullmatch(tag["name"])


def _holds_nothing(_address: str) -> bool:
    return False


def _lifeless(text: str) -> str:
    """A part of a word without end, sign by sign: nothing of it is a link, and nothing is looked up."""
    text = _ALL_SIGNS.sub(lambda sign: f"[{sign[0]}]", text)
    return re.sub(r"[\]!<&\\]", lambda sign: f"{sign[0]} ", text)
