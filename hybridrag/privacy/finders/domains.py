"""Web addresses that name a person, a company or a customer, and the user names in addresses and in context.

A URL is taken whole, as its path may name someone too; well-known public sites (`websites`) stay readable, apart from
the account names on them. A bare host name is taken after a word such as "website", or where its ending is no file
ending and what surrounds it is no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.name_lists import FAMILY, GIVEN, NAME, THING, WORD, flags
from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.privacy.finders.websites import is_public
from hybridrag.types import Span

_URL = rb"(?i:\b(?:https?|ftps?|wss?|sftp|ssh|ldaps?|smb)://|\bwww[.])[^\s<>\"'`\x00\x5c|{}\[\]\xa4\xa6]+"
_BARE = (
    rb"(?i)(?:^|[\s(\[,;:\"'])((?:[a-z0-9\xe9](?:[a-z0-9\xe9-]*[a-z0-9\xe9])?[.])+"
    rb"(?:com|org|net|de|at|ch|eu|info|biz|shop|online|(?:co|ac|org)[.]uk|com[.](?:au|br|mx|tr|ar|cn)"
    rb"|(?:com|net|org|co|ac|or|edu|gov|web)[.][a-z]{2}"
    rb"|fr|it|es|nl|be|dk|se|fi|pl|cz|pt|ie|hu|ro|gr|li|lu|ru|ua|jp|cn|br|sk|si|hr|lt|lv|ee|bg|vn|ir|th|sg|hk|pk|ae|gh|lk|np|kz|edu|id|ph|kr|tw|in"
    rb"|nz|za|mx|ar|cl|pe|ca|au|us|uk|tr|no|is|ng|ke|az|ge|il|io|co|me|tv|app|cloud|xyz|tech|site|store|name|pro))(?:$|[\s)\],;:!?\"'/]|[.](?:\s|$))"
)
_SITE_WORDS = re.compile(
    rb"(?:web ?site|web ?page|home ?page|web|site|seite|internet|url|domain(?: name)?"
    rb"|visit|besuche[nt]?|host|hostname"
    rb"|online(?: at| on)?|server|blog|shop|unter)[^A-Za-z0-9\n]{1,3}(?:is |ist |at |on |under |lautet )?"
    rb"(?:[^A-Za-z0-9\n]{0,2})$",
    re.IGNORECASE,
)
# "we visited acme.net", "see it at acme.fr", "W: acme.info": a small letter begins it, for ".NET" is no host.
_PLACED = re.compile(
    rb"(?:(?:^|[\s(])(?:at|via|visit(?:ed|ing|s)?|www|checkout|check out|surf(?:ing)?|besuch(?:t|en|e)?"
    rb"|auf|unter|bei|sur|chez|su|op)[ ]"
    rb"|(?:^|\n)[ \t]{0,4}[wW](?:eb)?[:.][ \t]{1,3})$",
)
_PLACED_LIST = (
    ".net .info .fr .it .es .nl .be .dk .se .fi .pl .cz .pt .ie .hu .ro .gr .li .lu .ru .ua .jp .cn .br .sk .si .hr .lt"
    " .lv .ee .bg .ir .th .sg .hk .pk .ae .gh .lk .np .kz .edu .uk .ca .au .us .tr .ph .in .id .mx .ar .za .nz "
    ".no .co .cl .pe .az .is .vn .kr .il .tw .shop .online .store .site"
)
_PLACED_ENDINGS = tuple(_PLACED_LIST.encode("ascii").split())
_SURE_ENDINGS = (b".com", b".org", b".de", b".co.uk", b".eu", b".com.au", b".com.br", b".at", b".ch", b".biz")
_TRAILING = b".,;:!?*_"
_AUTHORITY = re.compile(rb"(?:[A-Za-z]+://)?(?:[^/?#@]*@)?([A-Za-z0-9\xe9\xa5._-]+)")


def domains(text: str) -> Iterator[Span]:
    """DOMAIN spans of `text`, and USER for account names in the addresses of public sites."""
    data = view(text)
    if b"://" in data or b"www." in data or b"WWW." in data or b"Www." in data:
        yield from _addresses(data)
    if b"." in data:
        yield from _bare(text, data)


def _addresses(data: bytes) -> Iterator[Span]:
    for match in compiled(_URL).finditer(data):
        start, end = match.span()
        bracket = data.find(b")", start, end)
        if bracket >= 0 and data.find(b"(", start, bracket) < 0:
            end = bracket
        while end > start and data[end - 1] in _TRAILING:
            end -= 1
        url = data[start:end]
        authority = _AUTHORITY.match(url)
        if authority is None:
            continue
        host = authority.group(1).lower().rstrip(b".").decode("latin-1")
        if not is_public(host):
            yield Span(start, end, "DOMAIN", "url")
            continue
        account = account_in(url[authority.start(1) :])
        if account is not None:
            first = start + authority.start(1)
            yield Span(first + account[0], first + account[1], "USER", "url-account")


# --- accounts on public sites ----------------------------------------------------------------------------------------

_NAME = rb"([A-Za-z0-9][A-Za-z0-9_.-]{0,62})"
_PROFILES = re.compile(
    rb"(?:(?:www|m|mobile|[a-z]{2})\.)?(?:linkedin\.com/in/|(?:twitter|x|instagram|tiktok|facebook|threads|medium"
    rb"|youtube)\.(?:com|net)/@|(?:twitter|x|instagram)\.com/|(?:reddit\.com/(?:u|user)/)|t\.me/|facebook\.com/"
    rb"|bsky\.app/profile/|youtube\.com/(?:user|c)/|github\.com/|gitlab\.com/|mastodon\.social/@|keybase\.io/"
    rb"|huggingface\.co/|kaggle\.com/|dev\.to/|paypal\.me/|skype\.com/|xing\.com/profile/)" + _NAME + rb"/?(?:[?#]|$)",
    re.IGNORECASE,
)
_WORDS = b"""
about account accounts api apps blog business careers contact developer developers docs download enterprise events
explore features groups help home i intent issues join jobs legal login logout marketplace models datasets new orgs
pages policies pricing privacy profile pulls search security settings share shop signup sponsors support team terms
topics tos trending watch who
"""
_PAGES = frozenset(_WORDS.split())
_HOMES = re.compile(rb"/~([A-Za-z][A-Za-z0-9_-]{1,30})")


def account_in(address: bytes) -> tuple[int, int] | None:
    """The span of the account name in `host/path`, of which 200 characters are read; None where there is none."""
    found = _PROFILES.match(address[:200]) or _HOMES.search(address[:200])
    if found is None or found.group(1).lower() in _PAGES:
        return None
    return found.span(1)


# --- bare host names -------------------------------------------------------------------------------------------------


def _named(host: bytes) -> bool:
    """Whether the label before the ending has a letter: "v1.2.net" is a version."""
    return any(byte > 57 for byte in host.split(b".")[-2])


# Attributes and namespaces that look like hosts: "logger.info", "asp.net", "user.id".
_CODE = frozenset(
    b"logger logging console asp system java self this cls args kwargs dotnet paint resnet socket event torch module"
    b" package table column index object config response request session result entity".split()
)
_ATTRIBUTES = (b".id", b".is", b".in", b".no", b".us", b".co", b".pe", b".be", b".it")


def _is_firm_or_family(text: str, data: bytes, start: int, end: int) -> bool:
    """Whether the host in `data[start:end]`, between blanks, has a label with a hyphen, or a listed name as label, or,
    where no attribute has such an ending, one that is no ordinary word."""
    between = data[max(0, start - 1) : start] in b" \n" and data[end : end + 1] in b" .,?!\n"
    if not between:
        return False
    host = data[start:end]
    label = max(host.split(b".")[:-1], key=len)
    if len(label) < 3 or label in _CODE or b"_" in label:
        return False
    if b"-" in label:
        return len(label) > 5 and not label.startswith(b"-")
    at = start + host.index(label)
    known = flags(text[at : at + len(label)].capitalize())
    if known & (WORD | THING):
        return bool(known & (GIVEN | FAMILY)) and len(label) > 3 and not host.endswith((*_ATTRIBUTES, b".info"))
    longest = 5 if host.endswith(b".info") else 3
    return bool(known & NAME) or (len(label) > longest and not host.endswith(_ATTRIBUTES))


def _bare(text: str, data: bytes) -> Iterator[Span]:
    position = 0
    pattern = compiled(_BARE)
    while (match := pattern.search(data, position)) is not None:
        start, end = match.span(1)
        position = end
        host = data[start:end].lower()
        if is_public(host.decode("latin-1")) or host.startswith(b"www.") or not _named(host):
            continue
        told = _SITE_WORDS.search(data[max(0, start - 32) : start]) is not None
        name = host.rsplit(b".", 1)[0]
        sure = host.endswith(_SURE_ENDINGS) and len(name) >= 2 and b"_" not in name and not name.isdigit()
        if not told and not sure and data[start : start + 1].islower() and host.endswith(_PLACED_ENDINGS):
            told = (
                len(name) > 3 and _PLACED.search(data[max(0, start - 16) : start]) is not None
            ) or _is_firm_or_family(text, data, start, end)
        if told or (sure and data[max(0, start - 1) : start] not in {b'"', b"'"}):
            yield Span(start, end, "DOMAIN", "host")
