"""Runs of capitalised words that may be one name: where it ends, and how credible it is by the lists."""

from __future__ import annotations

from hybridrag.privacy.finders.name_contexts import FIELD, KIN, LABEL, SIGNATURE, SUBJECT, TITLED
from hybridrag.privacy.finders.name_lists import FAMILY, FORM, FUNCTION, GIVEN, NAME, THING, WORD
from hybridrag.privacy.finders.name_words import Words, person_like

_LONGEST = 5
_BEFORE_PLACES = (
    "San Los Las Santa Santo São Sankt Saint El Fort Port Mount Mt Lake Cape New North South East West"
    " Costa Rio Puerto Bad Hong"
)
_HEADS_BEFORE = frozenset(_BEFORE_PLACES.split())
_AFTER_PLACES = (
    "River Lake Island Islands Mountains Mountain Valley Canyon County City Street Road Avenue Boulevard"
    " Freeway Highway Bridge Park University College School Institute Foundation Museum Hospital Airport"
    " Stadium Constitution Award Prize Medal Cup Inventory Bay Beach Creek Falls Springs Hills Heights Act"
    " Amendment Theorem Test Model Algorithm Syndrome Disease Bible Church Cathedral Canal Desert Sea"
    " Ocean Peninsula Province Freeways Series Distribution Equation"
)
_HEADS_AFTER = frozenset(_AFTER_PLACES.split())


def extent(words: Words, first: int) -> int:
    """The last word of the name that begins with `first`."""
    last = first
    for index in range(first + 1, min(first + _LONGEST, len(words.starts))):
        if not words.joined(index):
            break
        value = words.flags[index]
        if words.numeral(index):
            last = index
            break
        if words.initial(index):
            continue
        if words.words[index] in _HEADS_AFTER:
            break
        if value & FUNCTION or not person_like(words.words[index]) or (value & (WORD | THING) and not value & NAME):
            break
        if words.lower and not value & NAME:
            break
        last = index
    following = last + 1
    if following < len(words.starts) and words.joined(following) and words.initial(following):
        end = words.ends[following]
        if words.text[end : end + 1] == "." and words.words[following] != "I" and last > first:
            return last
    return last


def credible(words: Words, first: int, last: int) -> bool:
    value = words.flags[first]
    initials = False
    rest = []
    for index in range(first + 1, last + 1):
        if words.initial(index) and len(words.words[index]) <= 2:
            initials = True
        elif not words.numeral(index):
            rest.append(words.flags[index])
    named = [one for one in rest if one & NAME and not one & (WORD | THING)]
    if not rest:
        return bool(value & GIVEN) and not value & (WORD | THING) and len(words.words[first]) > 3
    if value & (WORD | THING):
        family = [one for one in named if one & (FAMILY | FORM)]
        return bool(value & GIVEN) and bool(family) and not words.lower and not words.words[first].isupper()
    if words.words[first].isupper() or words.lower:
        return bool(value & GIVEN) and bool(named)
    if value & GIVEN:
        return True
    return bool(named) or (initials and not any(one & (WORD | THING) for one in rest))


def may_begin(words: Words, index: int, rule: str) -> bool:
    value = words.flags[index]
    if words.initial(index) and len(words.words[index]) == 1:
        dotted = words.text[words.ends[index] : words.ends[index] + 1] == "."
        return dotted and index + 1 < len(words.starts) and words.joined(index + 1)
    if value & FUNCTION or not person_like(words.words[index]):
        return False
    if not value & (WORD | THING):
        return not place(words, index, index)
    if not value & NAME:
        return False
    if rule == TITLED:
        return True
    alone = rule in {KIN, SUBJECT, SIGNATURE, FIELD} or (rule == LABEL and not value & THING)
    return alone or named_after(words, index)


def named_after(words: Words, index: int) -> bool:
    following = index + 1
    if following >= len(words.starts) or not words.joined(following):
        return False
    value = words.flags[following]
    return (bool(value & NAME) and not value & THING) or words.initial(following)


def labelled(words: Words, first: int, last: int) -> bool:
    """ "Name: Foo Bar" of a form, and not a "Name: Foo" in the description of software."""
    values = words.flags[first : last + 1]
    return (
        listed(words, first, last)
        or (last > first and not any(value & (WORD | THING) for value in values))
        or (first == last and bool(values[0] & GIVEN))
    )


def listed(words: Words, first: int, last: int) -> bool:
    return any(value & NAME and not value & (WORD | THING) for value in words.flags[first : last + 1])


def ends_clause(words: Words, index: int) -> bool:
    end = words.ends[index]
    return end == len(words.text) or not words.text[end].isalnum()


def place(words: Words, first: int, last: int) -> bool:
    """ "San Francisco", "James River", "Melinda Gates Foundation"."""
    if first and words.words[first - 1] in _HEADS_BEFORE and words.joined(first):
        return True
    following = last + 1
    return following < len(words.starts) and words.words[following] in _HEADS_AFTER and words.joined(following)
