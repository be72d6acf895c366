"""A provider's answer other than 200, as an error that says what to do."""

from __future__ import annotations

import json
import unicodedata

from hybridrag.errors import ProviderError, ProviderUnavailable
from hybridrag.providers.addresses import origin
from hybridrag.providers.reply import error_message
from hybridrag.providers.retry import RETRIED_STATUSES
from hybridrag.providers.secret import Secret
from hybridrag.types import Destination

LONGEST_QUOTE = 300
"""Characters of a provider's own message that are shown."""


def refusal(
    status: int,
    body: bytes,
    *,
    destination: Destination,
    key: Secret | None,
    location: str | None = None,
    wait: float | None = None,
    flag: str = "--llm",
) -> ProviderError:
    """The error for this status. `body` is quoted only where it is JSON with an error message; `location` is the
    redirect's target, of which only the origin is shown; `wait` the seconds that the provider asks for, where they are
    too many to wait; `flag` is what names the model on the command line."""
    said = (f" It asks to wait {wait:.0f} s." if wait is not None else "") + quoted(_message(body), key)
    name = destination.provider
    if 300 <= status < 400:
        target = location or ""
        return _redirected(status, origin(key.mask(target) if key else target), destination)
    if status in {401, 403}:
        return _key_refused(status, said, name, key)
    if status == 404:
        what = f"knows no model {destination.model!r} at {destination.url}"
        hint = f"Check the model's name ({flag}) and the provider's address."
    elif status == 402:
        what, hint = "wants payment", "Check the account's plan and balance."
    elif status == 429:
        what, hint = "limits the rate of requests", "Try again later."
    elif status in RETRIED_STATUSES or status >= 500:
        what, hint = "fails to answer", "Try again later."
    else:
        what, hint = "refused the request", f"Check the model's name ({flag}) and its context length."
    passing = status in RETRIED_STATUSES or status >= 500
    return (ProviderUnavailable if passing else ProviderError)(f"{name} {what} (HTTP {status}).{said}", hint=hint)


def quoted(message: str, key: Secret | None) -> str:
    """A provider's message, fit to be shown after our own: one line, the key masked, at most 300 characters.

    Empty for an empty message. Invisible characters go first, so that a key cannot hide between them; the key is masked
    before the text is cut, so that no half of it remains.
    """
    visible = "".join(" " if character.isspace() else character for character in message if _shown(character))
    masked = key.mask(visible) if key else visible
    line = " ".join(masked.split())
    if len(line) > LONGEST_QUOTE:
        line = line[: LONGEST_QUOTE - 1] + "…"
    return f" It says: {line}" if line else ""


def _redirected(status: int, target: str, destination: Destination) -> ProviderError:
    return ProviderError(
        f"{destination.provider} at {destination.url} answered with a redirect (HTTP {status})"
        f"{f' to {target}' if target else ''}. It is not followed: the request was sealed for one address.",
        hint="Set the provider's address to its final form.",
    )


def _key_refused(status: int, said: str, name: str, key: Secret | None) -> ProviderError:
    if key is None:
        return ProviderError(
            f"{name} wants a key, and none was given (HTTP {status}).{said}",
            hint="Name the environment variable that holds the provider's key.",
        )
    return ProviderError(
        f"{name} refused the key in {key.origin} (HTTP {status}).{said}",
        hint=f"Check that {key.origin} holds a valid key of {name} that may use this model.",
    )


def _message(body: bytes) -> str:
    try:
        return error_message(json.loads(body))
    except (ValueError, RecursionError):
        return ""


def _shown(character: str) -> bool:
    # Controls, formats (bidirectional marks too), surrogates and private use would let a server write on the terminal.
    return character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
