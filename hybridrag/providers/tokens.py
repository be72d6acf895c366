"""How many tokens a request and its reply are, and what they cost, without ever asking the network.

Who counts, the first that can: the provider; tiktoken, for models whose vocabulary it knows and has on this machine;
else an upper bound. A token of byte-level BPE stands for one byte of UTF-8 or more, and SentencePiece with byte
fallback has no more tokens than that either: a text's bytes bound its tokens (docs/decisions/0028-spending.md).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hybridrag.types import ChatModel, Completion, Destination, Price, Usage

if TYPE_CHECKING:
    from tiktoken import Encoding

MOST_TOLD = 100_000_000
"""Tokens. No request has more, whatever a provider says; a number above is not believed."""
_FRAME = 256
"""Tokens, an upper bound for what a chat template says of itself: gpt-oss's, the longest known, has some 220 bytes."""
_FRAME_OF_MESSAGE = 16
"""Tokens, an upper bound for the marks around a message; templates have 3 to 6."""
_MARKS, _PRIMING = 3, 3
"""Tokens around each message, and before the reply: OpenAI, "How to count tokens with tiktoken"."""
_CUT = 50_000
"""Characters encoded at once: no text is long enough to hurt."""


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens, and who counted them: an `estimate` is an upper bound."""

    tokens: int
    counted: Literal["tokenizer", "estimate"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A vocabulary of tiktoken: where it is published (its copy is named after that), its hash, its pattern."""

    url: str
    sha256: str
    pattern: str

    def find(self, environ: Mapping[str, str] = os.environ) -> bytes | None:
        """The copy on this machine, where tiktoken keeps it; None where there is none, or none that is whole."""
        given = next((environ[name] for name in _FOLDERS if name in environ), None)
        folder = Path(tempfile.gettempdir()) / "data-gym-cache" if given is None else Path(given)
        name = hashlib.sha1(self.url.encode(), usedforsecurity=False).hexdigest()
        try:
            content = (folder / name).read_bytes() if given != "" else b""
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == self.sha256 else None


def count(texts: Sequence[str], model: str, *, vocabulary: Vocabulary | None = None) -> Count:
    """The tokens of these texts under this model, template aside. Its name tells its vocabulary, unless that is given.

    Counted by tiktoken only where the vocabulary is the model's own: another one may find fewer.
    """
    chosen = vocabulary or (O200K if _uses_o200k(model) else None)
    encoding = _encoding(chosen) if chosen else None
    if encoding is None:
        return Count(sum(len(text.encode("utf-8", "surrogatepass")) for text in texts), "estimate")
    return Count(sum(len(encoding.encode_ordinary(part)) for text in texts for part in _cut(text)), "tokenizer")


def most_tokens(prompt: Sequence[str]) -> int:
    """What a prompt of these messages has at most, its template included, under any model. Takes microseconds."""
    return _FRAME + sum(_FRAME_OF_MESSAGE + len(text.encode("utf-8", "surrogatepass")) for text in prompt)


def likely_most(text: str) -> int:
    """More tokens than a vocabulary of today makes of a text, as far as it is one: for fitting a window, not for money.

    Two letters of a word are a token, and so is each other sign; beyond ASCII, each byte. Of a whole it is not above
    the sum of its parts.
    """
    return sum(
        (len(run) + 1) // 2 if run[0].isascii() and run[0].isalpha() else len(run.encode("utf-8", "surrogatepass"))
        for run in _RUNS.findall(text)
    )


def usage_of(
    ended: Completion | None, *, destination: Destination, model: ChatModel, prompt: Sequence[str], reply: str
) -> Usage:
    """The tokens of a request and its cost. `prompt` holds its messages as they were sent, `reply` what came.

    The provider's own numbers count where it told both and they can be true. Otherwise what is seen is counted, and the
    reasoning that a model hid is not in it.
    """
    told = _told(ended, prompt=prompt, reply=reply)
    if told is not None:
        return Usage(*told, counted="provider", cost_usd=cost(*told, destination=destination, price=model.price))
    asked, replied = count(prompt, destination.model), count([reply], destination.model)
    exact = asked.counted == "tokenizer"
    tokens = asked.tokens + _PRIMING + _MARKS * len(prompt) if exact else most_tokens(prompt)
    money = cost(tokens, replied.tokens, destination=destination, price=model.price)
    return Usage(tokens, replied.tokens, counted=asked.counted, cost_usd=money)


def cost(prompt_tokens: int, completion_tokens: int, *, destination: Destination, price: Price | None) -> float | None:
    """US dollars. A local server costs nothing unless a price is set for it; None where no price is known.

    Discounts, such as for what a provider's cache knew, are not taken off.
    """
    if price is None:
        return 0.0 if destination.local else None
    return (prompt_tokens * price.prompt + completion_tokens * price.completion) / 1_000_000


def _told(ended: Completion | None, *, prompt: Sequence[str], reply: str) -> tuple[int, int] | None:
    """What the provider says, unless it cannot be true: some servers send zeros in place of nothing."""
    if ended is None or ended.prompt_tokens is None or ended.completion_tokens is None:
        return None
    told = ended.prompt_tokens, ended.completion_tokens
    if max(told) > MOST_TOLD or (not told[0] and any(prompt)) or (not told[1] and reply):
        return None
    return told


def _uses_o200k(model: str) -> bool:
    import tiktoken.model

    name = model.strip().lower().rpartition("/")[2].replace(":", "-")
    try:
        return tiktoken.model.encoding_name_for_model(name).startswith("o200k")
    except KeyError:
        return False


@cache
def _encoding(vocabulary: Vocabulary) -> Encoding | None:
    """The encoding, made here: tiktoken's own way to it deletes a copy that is not whole, and asks the network."""
    content = vocabulary.find()
    if content is None:
        return None
    import tiktoken

    try:
        ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, content.splitlines())}
        return tiktoken.Encoding("ours", pat_str=vocabulary.pattern, mergeable_ranks=ranks, special_tokens={})
    except (ValueError, binascii.Error):  # nothing that was published
        return None


def _cut(text: str) -> Iterator[str]:
    return (text[at : at + _CUT] for at in range(0, len(text), _CUT))


_RUNS = re.compile(r"[A-Za-z]+|[^A-Za-z \t]+|[ \t]{2,}")
_FOLDERS = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")
O200K = Vocabulary(
    url="https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken",
    sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    pattern="|".join(
        [
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        ]
    ),
)
"""What gpt-oss and OpenAI's models since GPT-4o use, as tiktoken publishes it (o200k_base, o200k_harmony)."""
