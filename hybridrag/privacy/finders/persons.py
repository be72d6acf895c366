"""Names of persons by lists and context, without a model.

A capitalised word alone is a person only if it is on the list of given names and no ordinary word, product or eponym; a
family name needs company: a given name, an initial, a title, a label, a verb of speech. What was introduced in full in
a text is found alone in the rest of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from hybridrag.privacy.finders.capitals import ends_like_a_word, is_german
from hybridrag.privacy.finders.name_contexts import (
    FIELD,
    GREETING,
    KIN,
    LABEL,
    ROLE,
    STRONG,
    SUBJECT,
    TITLED,
    announced,
)
from hybridrag.privacy.finders.name_lists import (
    COMMON,
    FAMILY,
    FORM,
    FUNCTION,
    GIVEN,
    NAME,
    SURE,
    THING,
    WORD,
    flags,
    folded,
)
from hybridrag.privacy.finders.name_runs import (
    credible,
    ends_clause,
    extent,
    labelled,
    listed,
    may_begin,
    named_after,
    place,
)
from hybridrag.privacy.finders.name_words import WIDEST_PARTICLES, Words, person_like
from hybridrag.privacy.finders.small_names import small_names
from hybridrag.privacy.finders.strict_names import german_noun
from hybridrag.types import Span

PERSON, CHAIN = "PERSON", "chain"
_EPONYM = re.compile(
    r"(?:['’]s?)?[ -](?:disease|syndrome|law|theorem|test|rule|algorithm|method|equation|distribution"
    r"|model|effect|cells?|score|index|scale|process"
    r"|number|constant|function|transform|matrix|inequality|factor|street|river|university|college|school"
    r"|institute|award|prize|city|bank)\b"
)
_ARTICLE = re.compile(r"(?:the|an?|this|das|eine?[mnr]?|every|each|[dD]e[rnm]|[dD]ie|The|An?|Das|Eine?) [\"']?\Z")
# What follows a name in a list of people: a number to call, an e-mail address, a birth.
_REACHED = re.compile(
    r"[\"')]?(?:[ \t]?[-–,:;|(<\t][ \t]?|</t[dh]><t[dh]>)[\"'(<]?(?:(?:tel|phone|mobile?|handy|cell)\b[.:]{0,2} ?)?"
    r"(?:\+?\(?\d[\d ()./+-]{6,}|[\w.+-]{1,40}@\w|(?:born|geb\.|geboren|aged?) ?[\d(]|geb\. |born |passport )"
)
# "Anna Berg (54) said", "Anna Berg, 54, of Leeds".
_AGE = re.compile(r" \(([1-9]\d)\)|, ([1-9]\d)(?=,)")
_ADDRESS = re.compile(r"[ \t]{0,3}[<(\[]{1,2}[\w.+-]{1,64}@")
_MAIL_LOCAL = re.compile(r"(?<![\w.+-])([^\W\d_]{2,24})[._-]([^\W\d_]{2,24})\Z")
_LONGEST_LOCAL = 50
_CHAINED = frozenset(
    (", ", " and ", " und ", ", and ", " & ", ", und ", " y ", " et ", " e ", " or ", " oder ", " to ", "/")
)
_WIDEST_CHAIN = max(map(len, _CHAINED))
_ABBREVIATIONS = frozenset(("ZB", "DH", "UA", "IA", "IV", "SO", "OÄ", "US", "UK", "EG", "IE", "AM", "PM", "BC", "AD"))
_DIGIT = re.compile(r"\d")
_DIGIT_LINE = re.compile(r"[>?*\t ]{0,6}[^\n]{0,40}\d")


def persons(text: str) -> Iterator[Span]:
    """PERSON spans of `text`, titles not included. Linear in its length."""
    lower = text.islower()
    words = Words.of(text, lower=lower)
    context = announced(text, lower=lower)
    yield from small_names(text, context)
    if not words.starts:
        return
    found = _Found(words)
    for rule, position in context.before:
        found.in_context(rule, position)
    found.speakers(context.turns)
    for start, end in context.subjects:
        found.subject(start, end)
    found.sequences()
    found.chains()
    found.lines()
    found.contacts()
    found.mail_locals()
    found.again()
    yield from found.spans()


class _Found:
    """What was found, by index of the first word."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._ends: dict[int, tuple[int, str]] = {}
        self._taken = bytearray(len(words.starts))
        self._known: set[str] = set()
        self._is_german: bool | None = None

    def spans(self) -> Iterator[Span]:
        words = self._words
        for first, (last, rule) in sorted(self._ends.items()):
            start, end = words.starts[first], words.ends[last]
            if words.initial(last) and words.text[end : end + 1] == ".":
                end += 1
            yield Span(start, end, PERSON, f"person-{rule}")
            age = _AGE.match(words.text, end)
            if age is not None:
                yield Span(*age.span(age.lastindex or 0), "AGE", "age-named")

    def _add(self, first: int, last: int, rule: str) -> None:
        words = self._words
        if first not in self._ends or self._ends[first][0] < last:
            self._ends[first] = (last, rule)
        for index in range(first, last + 1):
            self._taken[index] = 1
            value = words.flags[index]
            if value & (WORD | THING) or len(words.words[index]) < 3:
                continue
            if (
                value & NAME
                or rule == TITLED
                or (last > first and (rule == CHAIN or (index == last and words.flags[first] & GIVEN)))
            ):
                self._known.add(words.words[index])

    def _at(self, position: int) -> int | None:
        """The word that begins there."""
        index = bisect_left(self._words.starts, position)
        return index if index < len(self._words.starts) and self._words.starts[index] == position else None

    # --- context -----------------------------------------------------------------------------------------------------

    def in_context(self, rule: str, position: int) -> None:
        """A name at `position`, if the words there may be one: after a context also words that are on no list."""
        first = self._at(position)
        if first is None or not may_begin(self._words, first, rule) or self._abbreviated(first):
            return
        value = self._words.flags[first]
        last = extent(self._words, first)
        if (
            first == last
            and rule not in {TITLED, KIN, GREETING}
            and not value & NAME
            and not ends_clause(self._words, last)
        ):
            return
        inverted = rule in {LABEL, FIELD} and first == last and self._inverted(first)
        if rule == LABEL and not inverted and not labelled(self._words, first, last):
            return
        if rule == STRONG and self._ordinary(first, last):
            return
        if rule == ROLE and not listed(self._words, first, last):
            return
        self._add(first, last + 1 if inverted else last, rule)

    def _abbreviated(self, first: int) -> bool:
        """Whether the word is one as "Dr." is."""
        return len(self._words.words[first]) == 2 and self._words.text.startswith(".", self._words.ends[first])

    def _ordinary(self, first: int, last: int) -> bool:
        """Whether a word on no list ends as ordinary words of English do, or as nouns in a German text."""
        key, value = folded(self._words.words[first]), self._words.flags[first]
        english = first == last and not value and ends_like_a_word(key)
        return english or (not value & NAME and self._german() and german_noun(key))

    def _inverted(self, first: int) -> bool:
        """Whether the word and the next are the end of a line as "Okeke, Chinwe" is."""
        words, following = self._words, first + 1
        if following >= len(words.starts) or words.text[words.ends[first] : words.starts[following]] != ", ":
            return False
        values = words.flags[first] | words.flags[following]
        end = words.ends[following]
        ends = words.text[end : end + 1] in {"", "\n", ";", "|", "\r", '"', ")"}
        return ends and not values & (FUNCTION | THING) and all(map(person_like, words.words[first : following + 1]))

    def speakers(self, spans: list[tuple[int, int]]) -> None:
        """Who speaks in a dialogue: all of them, if one of several turns is a given name's."""
        at = [index for index in (self._at(start) for start, _ in spans) if index is not None]
        at = [index for index in at if person_like(self._words.words[index])]
        clear = any(self._words.flags[index] & GIVEN and not self._words.flags[index] & (WORD | THING) for index in at)
        if len(at) < 2 or not clear:
            return
        for index in at:
            value = self._words.flags[index]
            if not value & FUNCTION and (not value & (WORD | THING) or value & GIVEN):
                self._add(index, index, "speaker")

    def subject(self, start: int, end: int) -> None:
        first = self._at(start)
        if first is None or self._taken[first]:
            return
        value, word = self._words.flags[first], self._words.words[first]
        if (
            value & FUNCTION
            or not person_like(word)
            or word.isupper()
            or (value & (WORD | THING) and not value & GIVEN)
        ):
            return
        if (value & THING and self._words.opens(first)) or (value & WORD and not value & COMMON):
            return
        begin = first
        if first and self._words.joined(first):
            begin = first - 1
            if self._taken[begin] or self._words.flags[begin] & (WORD | THING) or not _plain(self._words.words[begin]):
                return
        if not place(self._words, begin, first) and self._words.ends[first] <= end:
            self._add(begin, first, SUBJECT)

    # --- sequences ---------------------------------------------------------------------------------------------------

    def sequences(self) -> None:
        """Given and family names side by side, initials, and unambiguous names alone."""
        words, taken = self._words, self._taken
        starts, ends, values = words.starts, words.ends, words.flags
        unlisted, mails = False, "@" in words.text
        for index, value in enumerate(values):
            if not value:
                if unlisted and starts[index] - ends[index - 1] == 1:
                    self._pair(index - 1)
                unlisted = True
            else:
                unlisted = False
            if value & FUNCTION or taken[index]:
                continue
            if value & (WORD | THING) and not value & GIVEN and not mails:
                continue  # may end a name, never begin one
            if value & NAME or ends[index] - starts[index] == 1:
                self._sequence(self._begins(index), index)

    def _pair(self, index: int) -> None:
        """Two words on no list side by side inside a sentence, and no third: "the grant went to Nkechi Uzodinma"."""
        words = self._words
        following = index + 1
        if self._taken[index] or self._taken[following] or not words.joined(following) or self._german():
            return
        if words.opens(index) or (index and words.joined(index)) or place(words, index, following):
            return
        third = following + 1 < len(words.starts) and words.joined(following + 1)
        both = words.words[index : following + 1]
        if not third and all(_plain(word) and not ends_like_a_word(folded(word)) for word in both):
            self._add(index, following, "pair")

    def _german(self) -> bool:
        if self._is_german is None:
            self._is_german = is_german(self._words.text)
        return self._is_german

    def _begins(self, index: int) -> int:
        """A word on no list right before a family name or initial is a given name: "Tamerlo Abdurakhmanov"."""
        words = self._words
        before = index - 1
        if (
            index == 0
            or self._taken[before]
            or not words.joined(index)
            or words.starts[index] - words.ends[before] != 1
        ):
            return index
        value = words.flags[index]
        initial = (
            words.initial(index)
            and len(words.words[index]) == 1
            and index + 1 < len(words.starts)
            and words.joined(index + 1)
        )
        fits = initial or (
            value & (FAMILY | FORM)
            and not value & (WORD | THING)
            and not (value & GIVEN and named_after(self._words, index))
        )
        plain = words.flags[before] & ~(FAMILY | FORM | SURE) == 0 and _plain(words.words[before])
        return before if fits and plain and not self._words.lower else index

    def _sequence(self, first: int, anchor: int) -> None:
        words = self._words
        if len(words.words[first]) == 1:
            if words.initial(first):
                self._after_initials(first)
            return
        if not person_like(words.words[first]):
            return
        last = extent(self._words, first)
        if place(self._words, first, last):
            return
        if last > first and credible(self._words, first, last):
            self._add(first, last, "full")
        elif first == anchor:
            self._alone(first)
        elif words.flags[anchor] & NAME and not place(self._words, anchor, anchor):
            self._alone(anchor)

    def _after_initials(self, first: int) -> None:
        """ "J. R. Smith": the family name must be listed or look like one."""
        words = self._words
        if words.text[words.ends[first] : words.ends[first] + 1] != ".":
            return
        index = first
        while (
            index + 1 < len(words.starts) and index - first < 3 and words.joined(index + 1) and words.initial(index + 1)
        ):
            index += 1
        last = index + 1
        if last >= len(words.starts) or not words.joined(last) or not person_like(words.words[last]):
            return
        value = words.flags[last]
        several = index > first and words.words[first] + words.words[index] not in _ABBREVIATIONS
        if (value & NAME and not value & (WORD | THING)) or (several and not value and _plain(words.words[last])):
            last = extent(self._words, last)
            if not place(self._words, last, last):
                self._add(first, last, "initials")

    def _alone(self, index: int) -> None:
        words = self._words
        value, word = words.flags[index], words.words[index]
        text, start, end = words.text, words.starts[index], words.ends[index]
        if value & (GIVEN | FAMILY) and _ADDRESS.match(text, end, end + 72):
            self._add(index, index, "mail")
        if value & (WORD | THING) or word.isupper() or len(word) < 3 or place(self._words, index, index):
            return
        if not value & (GIVEN | SURE) or (len(word) == 3 and not value & COMMON):
            return
        if _EPONYM.match(text, end, end + 32) or _ARTICLE.search(text, max(0, start - 8), start):
            return
        self._add(index, index, "given" if value & GIVEN else "family")

    # --- the rest of the text ----------------------------------------------------------------------------------------

    def chains(self) -> None:
        """ "Kerekes, Becker and Holloway": a known person, or two names of either kind, make persons of them all."""
        words, text = self._words, self._words.text
        starts, ends = words.starts, words.ends
        first = 0
        for index in range(1, len(starts)):
            if starts[index] - ends[index - 1] <= _WIDEST_CHAIN and self._chained(index, text):
                continue
            if index - first > 1:
                self._chain(first, index)
            first = index
        if len(starts) - first > 1:
            self._chain(first, len(starts))

    def _chained(self, index: int, text: str) -> bool:
        start, end = self._words.ends[index - 1], self._words.starts[index]
        if end - start == 1:
            values = self._words.flags
            ordinary = (values[index - 1] | values[index]) & (WORD | THING)
            return text[start] in " /" and (not ordinary or bool(self._taken[index - 1] and self._taken[index]))
        return text[start:end] in _CHAINED

    def _chain(self, first: int, end: int) -> None:
        words = self._words
        values = words.flags[first:end]
        clear = sum(1 for value in values if value & (GIVEN | FAMILY | SURE) and not value & (WORD | THING | FUNCTION))
        persons = sum(self._taken[first:end])
        if (persons == 0 and clear < 2) or (persons + clear) * 2 < len(values):
            return
        if any(value & THING and not value & NAME for value in values):
            return
        if all(words.starts[index] - words.ends[index - 1] == 1 for index in range(first + 1, end)):
            return
        index = first
        apposed = (
            "," in words.text[words.ends[first] : words.starts[end - 1]]
            and sum(words.starts[index] - words.ends[index - 1] > 1 for index in range(first + 1, end)) == 1
        )
        while index < end:
            last = index
            if self._links(index) and not (apposed and not values[index - first]):
                while last + 1 < end and words.joined(last + 1) and self._links(last + 1):
                    last += 1
                self._add(index, last, CHAIN)
            index = last + 1

    def _links(self, index: int) -> bool:
        """Whether the word may be one of several persons in a row."""
        words = self._words
        value, word = words.flags[index], words.words[index]
        if (
            self._taken[index]
            or not person_like(word)
            or value & FUNCTION
            or word.isupper()
            or place(self._words, index, index)
        ):
            return False
        if value & (WORD | THING):
            return bool(value & (GIVEN | FAMILY)) and not self._words.lower
        return bool(value & NAME) if self._words.lower else bool(value) or not words.opens(index)

    def lines(self) -> None:
        """A line of two or three words on no list of ordinary words, above an address or a number."""
        words, text = self._words, self._words.text
        if self._words.lower:
            return
        for index, start in enumerate(words.starts[:-1]):
            if (start and text[start - 1] not in "\n>?* ") or (
                start > 1 and text[start - 1] == " " and text[start - 2] not in "\n>?* "
            ):
                continue
            if self._taken[index] or words.flags[index] & (WORD | THING) or not words.joined(index + 1):
                continue
            if not _plain(words.words[index]) or not _starts_line(text, start):
                continue
            last = extent(self._words, index)
            rest = words.flags[index + 1 : last + 1]
            if last == index or any(value & (WORD | THING) for value in rest):
                continue
            end = words.ends[last]
            if text[end : end + 1] == "\n" and any(map(_DIGIT_LINE.match, text[end + 1 : end + 161].split("\n")[:4])):
                self._add(index, last, "line")

    def contacts(self) -> None:
        """Two words or more, none an ordinary one, beside a telephone number, an address of e-mail or a birth; and
        "Okeke, Chinwe" alone on its line, if one of them is listed."""
        words, text = self._words, self._words.text
        if words.lower or _DIGIT.search(text) is None:
            return
        for index in range(len(words.starts) - 1):
            if self._taken[index] or words.flags[index] & (WORD | THING | FUNCTION):
                continue
            if words.starts[index + 1] - words.ends[index] > WIDEST_PARTICLES or not _plain(words.words[index]):
                continue
            if not words.joined(index + 1):
                one_named = (words.flags[index] | words.flags[index + 1]) & NAME and not words.flags[index + 1] & WORD
                if one_named and _starts_line(text, words.starts[index]) and self._inverted(index):
                    self._add(index, index + 1, "line")
                continue
            last = extent(words, index)
            if last > index and _REACHED.match(text, words.ends[last], words.ends[last] + 64):
                self._add(index, last, "contact")

    def mail_locals(self) -> None:
        """ "john.smith@example.com" tells that John Smith and Smith are names."""
        text = self._words.text
        at = text.find("@")
        while at >= 0:
            local = _MAIL_LOCAL.search(text[max(0, at - _LONGEST_LOCAL) : at])
            for part in local.groups() if local else ():
                value = flags(part.capitalize())
                if len(part) > 2 and not value & (WORD | THING) and (value & NAME or len(part) > 4):
                    self._known.add(part.capitalize())
            at = text.find("@", at + 1)

    def again(self) -> None:
        """Words of a name that was found in full, wherever they stand."""
        known = self._known
        if not known:
            return
        for index, word in enumerate(self._words.words):
            if not self._taken[index] and (word in known or (word.isupper() and word.capitalize() in known)):
                self._add(index, index, "again")


def _plain(word: str) -> bool:
    return len(word) > 2 and word[1:].islower() and word.isalpha()


def _starts_line(text: str, position: int) -> bool:
    while position and text[position - 1] in " \t>?*":
        position -= 1
        if text[position] not in " \t>?*":
            return False
    return position == 0 or text[position - 1] == "\n"
