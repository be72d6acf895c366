"""What a user is told where the hub, the network or the disk fails. No token and no password stands in a message."""

from __future__ import annotations

import errno
from typing import Any
from urllib.parse import urlsplit

from hybridrag.errors import HubUnavailable, ModelError
from hybridrag.models.locate import HubModel, advice

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_GOES_ON = "it goes on where it stopped"


def told(exc: Exception, model: HubModel) -> Exception:
    """The ModelError for an exception of the library, the network or the disk; any other exception as it is."""
    from huggingface_hub.errors import HfHubHTTPError

    name, folder = model.name, model.cached.folder
    if isinstance(exc, HfHubHTTPError):
        return _refused(exc, model)
    if is_of_the_network(exc):
        return HubUnavailable(
            f"the model {name} could not be fetched: {host()} cannot be reached or broke off ({type(exc).__name__})",
            hint=f"check the network and run it again: {_GOES_ON}; or give a folder that holds the model",
        )
    if isinstance(exc, OSError) and exc.errno in _FULL:
        return ModelError(
            f"the model {name} could not be kept: the disk of {folder} is full",
            hint=f"free space and run it again: {_GOES_ON}",
        )
    if isinstance(exc, OSError):
        return ModelError(
            f"the model {name} could not be kept in {folder}: {exc.strerror or type(exc).__name__}",
            hint="mend the folder's permissions, or put the cache elsewhere with HF_HOME",
        )
    if isinstance(exc, ValueError):
        return ModelError(
            f"what {host()} says of the model {name} cannot be read ({type(exc).__name__})",
            hint="is HF_ENDPOINT the address of a hub?",
        )
    return exc


def may_pass(exc: Exception) -> bool:
    """Whether the same request may succeed in a moment."""
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(exc, HfHubHTTPError):
        return exc.response.status_code in {408, 429, 500, 502, 503, 504}
    return is_of_the_network(exc)


def is_of_the_network(exc: Exception) -> bool:
    from huggingface_hub import errors

    # The root of the HTTP client's errors; which client that is changes with the library's version.
    return isinstance(exc, errors.HTTPError | ConnectionError | TimeoutError)  # type: ignore[attr-defined]


def host() -> str:
    return urlsplit(_endpoint()).netloc or _endpoint()


def address_of(repository: str) -> str:
    """A repository's page."""
    return f"{_endpoint()}/{repository}"


def _refused(exc: Any, model: HubModel) -> ModelError:
    from huggingface_hub.errors import GatedRepoError, RevisionNotFoundError

    status, name, repository = exc.response.status_code, model.name, model.repository
    if isinstance(exc, RevisionNotFoundError):
        usual = model.entry.revision if model.entry else "main"
        return ModelError(
            f"the model {repository} has no revision {model.revision}",
            hint=f"give a branch, a tag or a commit; the usual one is {usual}",
        )
    if isinstance(exc, GatedRepoError) or status == 403:
        return ModelError(
            f"the hub gives the model {repository} only to those who accepted its licence",
            hint=f"accept it at {address_of(repository)}, then set HF_TOKEN to a token of that account",
        )
    if status == 401 and "nvalid credentials" in exc.response.headers.get("X-Error-Message", ""):
        return ModelError(
            f"{host()} does not know the token that was sent for the model {repository}",
            hint="correct or unset HF_TOKEN; a token may also have been kept by `hf auth login`",
        )
    if status == 401 or (status == 404 and "/api/models/" in str(exc.response.url)):
        meant = "" if model.entry else f"{advice(name.partition('@')[0])}. "
        return ModelError(
            f"{host()} shows no model {repository}: there is none, or it is private",
            hint=f"{meant}For a private one set HF_TOKEN to a token that may read it",
        )
    kind = HubUnavailable if may_pass(exc) else ModelError
    return kind(
        f"the model {name} could not be fetched: {host()} answers {status}", hint=f"run it again later: {_GOES_ON}"
    )


def _endpoint() -> str:
    """The hub's address, without a password that it may hold."""
    from huggingface_hub.constants import ENDPOINT

    parts = urlsplit(ENDPOINT)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
