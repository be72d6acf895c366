"""What a setting's value may be: each function returns what was said as the setting holds it, and raises ValueError.

What is said comes from TOML, from a flag, or as the text of a variable.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from urllib.parse import urlsplit

CUSTOM_PROVIDER_KEY = "HYBRIDRAG_PROVIDER_KEY"
"""The variable that holds the key for a provider given by its address. No setting: it is read where it is used."""
CUSTOM_ENDPOINT_KEY = "HYBRIDRAG_EMBEDDER_KEY"
"""The same for an embedding endpoint given by its address."""
CUSTOM_RERANKER_KEY = "HYBRIDRAG_RERANKER_KEY"
"""The same for a rerank endpoint given by its address."""
LEAST_WINDOW = 32
"""Tokens: below this there is hardly room for a text beside title and headings."""
MOST_DIMENSIONS = 4_000
"""What pgvector can index as halfvec."""
_MOST_SECONDS = 86_400
_LEAST_PARSE_MEMORY = 512 * 1024**2
_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
_ENDPOINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*:")


def text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a non-empty text")
    if "\0" in value:
        raise ValueError("must not hold a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must be UTF-8") from None
    return value.strip()


def verbatim(value: object) -> str:
    """A text as it stands, blanks and all."""
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def texts(value: object) -> tuple[str, ...]:
    """A list, or a text with commas between its entries."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of texts")
    return tuple(text(item) for item in value)


def entries(value: object) -> tuple[str, ...]:
    """As `texts`, but a text is one entry, commas and all: entries are matched as they stand."""
    return (text(value),) if isinstance(value, str) else texts(value)


def one_of(*names: str) -> Callable[[object], str]:
    """What takes these names and no other."""

    def one(value: object) -> str:
        name = text(value)
        if name not in names:
            raise ValueError(f"{name!r} is none of {', '.join(names)}")
        return name

    return one


def boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError(f"{word!r} is neither true nor false")


# --- names -----------------------------------------------------------------------------------------------------------


def collection(value: object) -> str:
    name = text(value)
    if not _COLLECTION.match(name):
        raise ValueError(f"{name!r} is no collection name: letters, digits, '.', '_' and '-', at most 63")
    return name


def model(*, key: str) -> Callable[[object], str]:
    """What takes a model's name, folder or address. `key` is the variable for what may not stand in the address."""

    def model_name(value: object) -> str:
        name = text(value)
        if "@" in re.split("[/?#]", name.partition("://")[2], maxsplit=1)[0]:  # not said with the value: it is shown
            raise ValueError(f"the address contains a user name or password; a key belongs in {key}")
        return name

    return model_name


embedder = model(key=CUSTOM_ENDPOINT_KEY)


def names_endpoint(name: str) -> bool:
    """Whether a model is one behind an address (`ollama:MODEL`, `URL#MODEL`), not a name or a folder."""
    return _ENDPOINT.match(name) is not None


def endpoint_name(value: object) -> str:
    name = str(value)
    if not _ENDPOINT.fullmatch(f"{name}:"):
        raise ValueError(f"{name!r} is no endpoint's name: letters, digits, '.', '_' and '-'")
    return name


def trusted_code(value: object) -> tuple[str, ...]:
    names = texts(value)
    for name in names:
        if "@" not in name and not name.startswith(("/", "~")):
            raise ValueError(f"{name!r} names no revision: write NAME@REVISION, or a folder's whole path")
    return names


def analyser(value: object) -> str:
    name = text(value)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ValueError(f"{name!r} is no analyser: auto, plain, or a language such as en")
    return name


def device(value: object) -> str:
    name = text(value)
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise ValueError(f"{name!r} is none of auto, cpu, cuda, cuda:N, mps")
    return name


def database_url(value: object) -> str:
    url = text(value)
    if "://" in url and urlsplit(url).scheme not in {"postgresql", "postgres"}:
        raise ValueError("is not a postgresql:// address")
    if "://" not in url and "=" not in url:
        raise ValueError("is neither a postgresql:// address nor key=value pairs")
    return url


# --- numbers ---------------------------------------------------------------------------------------------------------


def dimensions(value: object) -> int:
    if isinstance(value, bool) or not str(value).strip().isdecimal() or not 1 <= int(str(value)) <= MOST_DIMENSIONS:
        raise ValueError(f"must be a number of dimensions from 1 to {MOST_DIMENSIONS:,}")
    return int(str(value))


def tokens(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < LEAST_WINDOW:
        raise ValueError(f"must be a number of tokens from {LEAST_WINDOW}")
    return value


def size(value: object) -> int:
    if isinstance(value, bool) or not str(value).strip().isdecimal() or int(str(value)) < 1:
        raise ValueError("must be a number of bytes above 0")
    return int(str(value))


def parse_memory(value: object) -> int:
    found = size(value)
    if found < _LEAST_PARSE_MEMORY:
        raise ValueError(f"must be a number of bytes from {_LEAST_PARSE_MEMORY:,}: the parsers themselves take that")
    return found


def days(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a number of days, or 0 to keep everything")
    return value


def seconds(value: object) -> float:
    found = _number(value)
    if not 0 < found <= _MOST_SECONDS:
        raise ValueError(f"must be a number of seconds above 0, at most {_MOST_SECONDS:,}")
    return found


def dollars(value: object) -> float:
    amount = _number(value)
    if not 0 < amount < math.inf:
        raise ValueError("must be an amount of US dollars above 0, such as 2.50")
    return amount


def _number(value: object) -> float:
    """NaN for what is no number."""
    try:
        return math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        return math.nan
