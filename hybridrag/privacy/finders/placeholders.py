"""What is no secret though it stands where one would: placeholders, names, types, calls; and what looks random."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

_STAND_INS = re.compile(
    rb"(?:<[^<>]*>|\$\{?[A-Za-z_][A-Za-z0-9_.:-]*\}?|\$\{\{.*\}\}|\$\(.*\)|\{+[^{}]*\}+|%[A-Za-z_]+%|%\(?\w*\)?[sdrv]"
    rb"|\*+|[xX]{3,}"
    rb"|[.]+|-+|_+|#+|@\w+@|__\w+__|\[[A-Za-z_ -]+\]"
    rb"|(?:<|\[|\{|the |enter |insert |put |add |use )?your[_ -]?[a-z_ -]*[>\])}]?"
    rb"|my[_-](?:api|secret|access|auth)?[_-]?(?:key|token|secret|password)|change[_-]?(?:me|it)|"
    rb"replace[_-]?(?:me|with.*|this)"
    rb"|to[_-]?do|fix[_-]?me|tbd|n/?a|redacted|removed|hidden|masked|omitted|x{2,}[x_-]*"
    rb"|none|null|nil|undefined|true|false|yes|no|on|off|str|string|bytes|byte\[\]|int|integer|number|bool|"
    rb"boolean|object|any"
    rb"|[\^~<>=v ]{0,3}[0-9]{1,4}(?:[.][0-9x*]{1,5}){1,3}(?:[-+.][0-9A-Za-z.]{1,16})?"
    rb"|optional|required|secretstr|const|static|final|void|char|self|this|function|async|await|return|new|var|"
    rb"let|default"
    rb"|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:KEY|TOKEN|SECRET|PASSWORD|PASS|PWD)|[\xa4\xa6].*|\x00.*)",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_STAND_IN = 64


def stands_in(value: bytes) -> bool:
    """Whether the value is a placeholder: a variable, `<your key>`, asterisks, a type's name, or a pseudonym."""
    if not value or b"\0" in value or value[0] in b"\xa4\xa6":
        return True
    return len(value) <= _LONGEST_STAND_IN and _STAND_INS.fullmatch(value.strip()) is not None


_CODE_PATH = re.compile(rb"[A-Za-z_$@][\w$]*(?:(?:\.|::|->)[A-Za-z_$][\w$]*)+")
_DASHED = re.compile(rb"[A-Za-z]+(?:[-_./:][A-Za-z]+)+[0-9]{0,2}")
PROSE = frozenset(
    (
        b"the this that your their must should when with from for and not used using will can may are has have one "
        b"only also each some data type field value text input output bearer basic password passwords token tokens "
        b"secret secrets key keys username user default example test hidden invalid incorrect correct wrong missing "
        b"empty changed reset protected encrypted stored required optional hashed plain string passwort kennwort der "
        b"die das ein eine nicht oder und wird wurde muss kann leer gespeichert ung\xe9ltig falsch"
    ).split()
)
"""Words that follow "password:" in a sentence."""


def is_code(value: bytes) -> bool:
    """Whether the value reads as an expression or the name of something: `form.password`, `user-access`, `a::b`."""
    some = value[: 4 * _LONGEST_STAND_IN]
    if _DASHED.fullmatch(some) is not None:
        return True
    return _CODE_PATH.fullmatch(some) is not None and not random_looking(value, shortest=8)


_PHRASE = re.compile(
    rb"[a-z]{3,12}(?:[-_.][a-z]{3,12}){3,9}|[A-Z][a-z]{2,11}(?:-[A-Z][a-z]{2,11}){2,9}|(?:[A-Z][a-z]{2,11}){3,9}"
)


def is_phrase(value: bytes) -> bool:
    """Whether the value is words put together as a pass phrase: `oyster-thunder-harbor`, `TunnelDragonMonkey`."""
    return len(value) <= 2 * _LONGEST_STAND_IN and _PHRASE.fullmatch(value) is not None


def mixed(value: bytes) -> bool:
    """Letters with digits or with signs that names do not have."""
    letters = any(65 <= byte <= 90 or 97 <= byte <= 122 or byte == 0xE9 for byte in value)
    digits = any(48 <= byte <= 57 for byte in value)
    signs = any(byte in b"!@#$%^&*+=?~/" for byte in value)
    return (letters and (digits or signs)) or (digits and len(value) >= 6) or _shuffled(value)


def _shuffled(value: bytes) -> bool:
    """Letters whose case changes as by chance: `jqeWUnYiCMQNyPaG`. In names every fourth letter at most is one."""
    some = value[:_LONGEST_STAND_IN]
    capitals = sum(65 <= byte <= 90 for byte in some)
    return len(some) >= 12 and some.isalpha() and len(some) / 3.2 <= capitals <= len(some) * 0.75


def random_looking(value: bytes, *, shortest: int = 16) -> bool:
    """Whether letters and digits alternate as in keys and not as in words: names have few changes of kind."""
    if len(value) < shortest:
        return False
    some = value[:_LONGEST_STAND_IN]
    kinds = some.translate(_KINDS)
    digits = kinds.count(b"0")
    if not digits or digits == len(some) or entropy(some) < 2.5:
        return False
    changes = sum(a != b for a, b in pairwise(kinds))
    # A capital at the start of a word is no change of kind that tells.
    changes -= sum(kinds[i : i + 2] == b"Aa" for i in range(len(kinds) - 1))
    return changes >= len(some) * (0.25 if digits >= 3 else 0.3)


_KINDS = bytes(
    ord("0") if chr(byte).isdigit() and byte < 128
    else ord("A") if 65 <= byte <= 90
    else ord("a") if 97 <= byte <= 122
    else ord("-")
    for byte in range(256)
)  # fmt: skip


def entropy(value: bytes) -> float:
    """Shannon entropy in bits a character."""
    counts = Counter(value)
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())
