"""User names that a word names ("username: jdoe42") and handles ("follow @jdoe_42")."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.types import Span

_NAMED = (
    rb"(?i:\b(?:user ?name|user[_ -]?id|user handle|login(?: name| id)?|log-in|account name"
    rb"|screen ?name|nick ?name|handle|benutzername|nutzername|benutzerkennung"
    rb"|anmeldename|kennung|spitzname|nombre de usuario|usuario|nom d.utilisateur"
    rb"|identifiant|nome utente|gebruikersnaam|skype(?: name| id)?|telegram|twitter|instagram|tiktok|snapchat|discord"
    rb"|github(?: user)?|slack|xbox|steam)"
    rb"(?:[ \t]{0,2}[:=][ \t]{0,2}|[ \t]+(?:is|ist|lautet|est|es)[ \t]+))[\"'`]?(@?[A-Za-z0-9][A-Za-z0-9_.-]{2,31})"
)
_OWN = (
    rb"(?i:\b(?:my|his|her|their|your|meine?|seine?|ihre?|deine?)[ ](?:user ?name|user[ _-]?id|login(?: name)?"
    rb"|account name"
    rb"|screen ?name|nick ?name|handle|benutzername|nutzername|anmeldename|benutzerkennung|skype(?: name| id)?)"
    rb"(?:[ ](?:there|here|dort|hier|on [a-z]{2,12}))?[ ](?:is|was|ist|war"
    rb"|lautet)[ ])[\"'`]?(@?[A-Za-z][A-Za-z0-9_.-]{3,31})"
)
_NOT_NAMES = frozenset(
    b"also already always still wrong right correct taken case being based used required invalid valid missing empty"
    b" the same that this your what unknown different nicht schon immer noch falsch richtig vergeben auch jetzt".split()
)
_HANDLE = rb"(?:^|[\s(>,;:\"'])@([A-Za-z0-9_][A-Za-z0-9_]{2,29})\b"
_SOCIAL = re.compile(
    rb"\b(?:twitter|tweet|instagram|insta|tiktok|telegram|github|mastodon|threads|handle|follow|folge|retweet|rt|dm|cc|via|by"
    rb""
    rb"|thanks|danke|thx|ping|contact|hey|hi|hello|hallo|user|reply|mention)\b[^\n]{0,24}$",
    re.IGNORECASE,
)
_BREAKS = frozenset(b"([{<=")


def handles(text: str) -> Iterator[Span]:
    """USER spans of `text`. A plain word after "username:" is a placeholder or a type; a name has
    a digit, or an at sign before it."""
    data = view(text)
    if b":" in data or b"=" in data or b" is" in data:
        for match in compiled(_NAMED).finditer(data):
            start, end = match.span(1)
            while data[end - 1] in b".-":
                end -= 1
            if _is_name(data, start, end):
                yield Span(start, end, "USER", "user-named")
        for match in compiled(_OWN).finditer(data):
            name = match.group(1).rstrip(b".-")
            if name.lower() not in _NOT_NAMES:
                yield Span(match.start(1), match.start(1) + len(name), "USER", "user-own")
    if b"@" in data:
        for match in compiled(_HANDLE).finditer(data):
            start, end = match.span(1)
            if data[end : end + 1] in {b".", b"/", b"(", b"-"} and data[end + 1 : end + 2].strip():
                continue
            begin = data.rfind(b"\n", max(0, start - 48), start) + 1
            if _SOCIAL.search(data[max(begin, start - 48) : start - 1]):
                yield Span(start - 1, end, "USER", "user-handle")


def _is_name(data: bytes, start: int, end: int) -> bool:
    name = data[start:end].lstrip(b"@")
    if len(name) < 3 or (data[end : end + 1] and data[end] in _BREAKS):
        return False
    digits = any(48 <= byte <= 57 for byte in name)
    letters = any(byte > 57 for byte in name)
    if data[start] == 64:
        return True
    # "user_id: item.owner_id", "username=form_data.username": an expression, not a name.
    expression = b"." in name and not digits
    return letters and digits and not expression and name.count(b"_") < 3
