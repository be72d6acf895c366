"""What a terminal, a browser or a chat would make a link of, also in disguise; and which of it the documents hold."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

LONGEST = 2_000
"""Characters of an address that are looked at; a longer one is known to nobody."""

# Country codes and common names that programs link without a scheme before them. Left out are those that are a word, a
# file's ending or a member of an object as often: `user.id`, `README.md`, `logger.info`.
_DOMAINS = """
    com|net|org|edu|gov|mil|biz|app|dev|xyz|top|site|online|click|live|store|shop|icu|club|vip|fun|space|website
    |tech|page|link|cloud|work|rest|zip|mov|ac|ad|ae|af|ag|ai|al|ao|aq|ar|au|aw|az|ba|bb|bd|bf|bg|bh|bi|bj|bm|bn
    |bo|br|bs|bt|bw|bz|ca|cd|cf|cg|ch|ci|ck|cl|cm|cn|co|cr|cu|cv|cw|cx|cy|cz|de|dj|dk|dm|dz|ec|ee|eg|er|es|et|eu
    |fi|fj|fk|fm|fo|fr|ga|gd|ge|gf|gg|gh|gi|gl|gm|gn|gp|gq|gr|gs|gt|gu|gw|gy|hk|hm|hn|hr|ht|hu|ie|il|io|iq|ir|je
    |jm|jo|jp|ke|kg|kh|ki|km|kn|kp|kr|kw|ky|kz|lb|lc|li|lk|lr|ls|lt|lu|lv|ly|ma|mc|me|mg|mh|ml|mm|mn|mo|mp|mq|mr
    |mt|mu|mv|mw|mx|mz|na|ne|nf|ng|ni|nl|np|nr|nu|nz|om|pa|pe|pf|pg|ph|pk|pt|pw|qa|ro|ru|rw|sa|sb|sc|sd|se|sg|si
    |sj|sk|sl|sm|sn|sr|ss|su|sv|sx|sy|sz|tc|td|tg|th|tj|tk|tl|tm|tn|tr|tt|tv|tw|tz|ua|ug|uk|uy|uz|va|vc|ve|vg|vi
    |vn|vu|wf|ws|ye|yt|za|zm|zw|рф
"""
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST = rf"(?:{_LABEL}\.){{1,12}}"
_DOMAIN = rf"(?:{_DOMAINS}|xn--[\w-]{{1,59}})(?![\w-])"
_OPENED_BY_NAME = (
    r"livescript|xmpp|callto|skype|facetime|sips?|sms|magnet|intent|view-source|blob"
    r"|filesystem|vscode[\w-]{0,20}|cursor|ms-[\w-]{1,30}|search-ms|ssh|news|irc|feed|webcal|bitcoin|spotify|steam|slack"
    r"|msteams|zoommtg|obsidian|tg|itms[\w-]{0,20}|market"
)
_ADDRESS = re.compile(
    rf"""
    [a-z][a-z0-9+.-]{{0,40}}:[/\\]{{2}} | :// | https?:(?=\S)
    | (?:javascript|vbscript|mailto):(?=\S) | (?<!\w)(?:{_OPENED_BY_NAME}):(?=\S)
    | (?<!\w)data:(?=[\w.+-]{{0,60}}[/;,]) | (?<!\w)file:(?=[/\\~])
    | (?<!\w)tel:(?=[+(\d])
    | (?<!\w)www\d{{0,3}}\.(?=\w)
    | (?<![\w.+-])[\w.+-]{{1,64}}@(?:{_HOST}(?:{_DOMAIN}|py\b)|{_HOST}[^\W\d_]{{2,24}}(?![\w(]))
    | (?<![\w:/\\])[/\\]{{2}}{_HOST}[^\W\d_]{{2,24}}(?![\w(-])
    | (?<![\w.@/\\:-]){_HOST}(?:{_DOMAIN}(?!\()|(?:[^\W\d_]{{2,24}}|xn--[\w-]{{1,59}})(?::\d{{1,5}})?(?:/|\?\w))
    """,
    re.VERBOSE | re.IGNORECASE,
)
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_DEPTH = 8
"""Entities within entities that are read; a program that shows the text reads one."""
_DOTS = str.maketrans("。｡․", "...")
_AFTER = ".,;:!?\"'`)]}>*_~|»”’。，；：！？）】」"
"""What may follow an address and is no part of it."""
_AUTHORITY = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?[/\\]{0,2}[^/?#\\]*", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\[\]]{0,300}\]\([^)\s]{0,2000}|<(?:img|image|picture|source)\b[^>]{0,2000}", re.IGNORECASE)
_ENDS = (re.compile(r"[\"'`<>]"), re.compile(r"[\"'`<>()\[\]{}|\\,;]"))


def is_address(text: str) -> bool:
    """Whether a piece of text without blanks is or holds what could be followed, in whatever disguise."""
    if _ADDRESS.search(text):
        return True
    plain = undisguised(text)
    return any(_ADDRESS.search(view) for view in dict.fromkeys((plain, unquote(plain).replace("\\", ""))))


def undisguised(text: str) -> str:
    """`text` as a reader's program may come to see it: entities read, forms of letters folded, nothing invisible."""
    for _ in range(_DEPTH):
        if "&" not in text or text == (read := html.unescape(text)):
            break
        text = read
    if not text.isascii():
        text = unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).translate(_DOTS)
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", "", text)


class KnownAddresses:
    """The addresses in some texts. Those that stand there as an image's only are none."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._known: set[str] = set()
        for text in texts:
            for word in _IMAGE.sub(" ", text).split():
                self._known.update(_forms(word))

    def holds(self, address: str) -> bool:
        """Whether a text is an address, and a known one."""
        return bool(_ADDRESS.match(address)) and _normal(address) in self._known

    def hold_all_of(self, text: str) -> bool:
        """Whether nothing in a piece of text without blanks could be followed but one address that is known."""
        found = _ADDRESS.search(text)
        if found is None:
            return not is_address(text)
        return _normal(text[found.start() :]) in self._known and not is_address(text[: found.start()])


def _forms(word: str) -> Iterator[str]:
    """The addresses in a word of a document, each as far as it may be meant to go."""
    at = 0
    while found := _ADDRESS.search(word, at):
        written = word[found.start() : found.start() + LONGEST]
        if len(word) <= LONGEST:
            yield _normal(written)
        for end in _ENDS:
            yield (shorter := _normal(end.split(written, maxsplit=1)[0]))
        # A host that is linked to may be named.
        yield re.sub(r"^.*[/\\@]", "", _AUTHORITY.match(shorter)[0])  # type: ignore[index]  # it matches anything
        at = found.end()


def _normal(address: str) -> str:
    """An address to be compared: without what follows it, scheme and host in small letters."""
    address = address.replace("&amp;", "&").rstrip(_AFTER)
    authority = _AUTHORITY.match(address)
    end = authority.end() if authority else 0
    rest = address[end:]
    return address[:end].lower() + ("" if rest == "/" else rest)
