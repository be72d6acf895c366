"""Settings: what is set, to what, and where that came from.

Precedence, highest first: command-line flag, `HYBRIDRAG_*` environment variable, `hybridrag.toml` (the nearest one
upward), the user's file, default. Unknown keys are errors. A project file can arrive with a cloned repository, so it
may not say where data goes or loosen what protects it: such keys are refused there with an error that says so.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from hybridrag.errors import ConfigError, UsageError
from hybridrag.types import Label

DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"
CUSTOM_PROVIDER_KEY = "HYBRIDRAG_PROVIDER_KEY"
"""The variable that holds the key for a provider given by its address. No setting: it is read where it is used."""
CUSTOM_ENDPOINT_KEY = "HYBRIDRAG_EMBEDDER_KEY"
"""The same for an embedding endpoint given by its address."""
CUSTOM_RERANKER_KEY = "HYBRIDRAG_RERANKER_KEY"
"""The same for a rerank endpoint given by its address."""
PROJECT_FILE = "hybridrag.toml"
LEAST_WINDOW = 32
"""Tokens: below this there is hardly room for a text beside title and headings."""
MOST_DIMENSIONS = 4_000
"""What pgvector can index as halfvec."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
_ENDPOINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*:")


@dataclass(frozen=True, slots=True)
class Paths:
    """Where state lives. `HYBRIDRAG_HOME` puts all of it under one folder; otherwise the XDG folders are used."""

    config: Path
    data: Path
    cache: Path
    run: Path

    @property
    def user_file(self) -> Path:
        return self.config / "config.toml"

    @staticmethod
    def from_environment(environ: Mapping[str, str]) -> Paths:
        """Absolute paths; nothing is created. Raises ConfigError where no home folder can be told."""
        try:
            if home := environ.get("HYBRIDRAG_HOME"):
                root = Path(home).expanduser().absolute()
                return Paths(config=root, data=root / "data", cache=root / "cache", run=root / "run")
            user = Path.home()
        except RuntimeError:
            raise ConfigError("this account has no home folder", hint="set HYBRIDRAG_HOME to a folder") from None

        def xdg(variable: str, default: str) -> Path:
            value = environ.get(variable, "")
            # The XDG specification: relative values are invalid and ignored.
            return (Path(value) if value.startswith("/") else user / default) / "hybridrag"

        data = xdg("XDG_DATA_HOME", ".local/share")
        # Not XDG_RUNTIME_DIR: it goes away at logout, and the database stays.
        run = data / "run"
        return Paths(
            config=xdg("XDG_CONFIG_HOME", ".config"), data=data, cache=xdg("XDG_CACHE_HOME", ".cache"), run=run
        )


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the user's file says about one chat provider; empty fields keep the preset's value."""

    base_url: str = ""
    model: str = ""
    key_variable: str = ""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What the user's file says about one embedding or rerank endpoint. Empty fields keep what its name and its model
    say.

    `window` counts tokens, `dimensions` are asked of the server; 0 means not given. `rerank_api` is the form of rerank
    requests: `cohere`, as most servers have it, or `tei`.
    """

    base_url: str = ""
    key_variable: str = ""
    query_prompt: str | None = None
    document_prompt: str | None = None
    window: int = 0
    dimensions: int = 0
    rerank_api: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its value. `origins` tells for each name where the value came from."""

    paths: Paths
    collection: str = "default"
    embedder: str = DEFAULT_EMBEDDER
    dims: int = 0
    reranker: str = ""
    rerank: bool = False
    text_search: str = "auto"
    device: str = "auto"
    runtime: str = "auto"
    precision: str = "auto"
    trusted_code: tuple[str, ...] = ()
    database_url: str = ""
    offline: bool = False
    provider: str = ""
    llm: str = ""
    local_addresses: tuple[str, ...] = ()
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    endpoints: Mapping[str, EndpointSettings] = field(default_factory=dict)
    allow_remote_embedding: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    labels: tuple[tuple[str, Label], ...] = ()
    max_file_bytes: int = 100_000_000
    project_file: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict)


def load(
    *,
    flags: Mapping[str, Any] | None = None,
    config_file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
) -> Settings:
    """Settings from all layers. `flags` holds only what was given. Raises ConfigError, or UsageError for a bad flag."""
    settings = Settings(paths=Paths.from_environment(environ))
    origins = dict.fromkeys(setting_names(), "default")
    user_file = config_file or settings.paths.user_file
    project_file = _nearest_project_file(cwd)
    layers: list[tuple[str, Mapping[str, Any], type[ConfigError] | type[UsageError]]] = []
    if config_file is not None or _exists(user_file):
        layers.append((str(user_file), _read_user_file(user_file), ConfigError))
    if project_file is not None and project_file.resolve() != user_file.resolve():
        layers.append((str(project_file), _read_project_file(project_file), ConfigError))
        settings = replace(settings, project_file=project_file)
    layers.append(("environment", _from_environment(environ), ConfigError))
    layers.append(("flag", dict(flags or {}), UsageError))
    for origin, values, error in layers:
        for name, value in values.items():
            try:
                parsed = _PARSERS[name](value)
            except ValueError as exc:
                where = _where(origin, name)
                raise error(f"{where}: {exc}", hint=_HINTS.get(name, "")) from None
            where = _where(origin, name) if origin in {"environment", "flag"} else origin
            if origin == str(project_file) and name in _PROJECT_ADDS and getattr(settings, name):
                parsed = (*getattr(settings, name), *parsed)
                where = f"{origins[name]}, {where}"
            settings = replace(settings, **{name: parsed})
            origins[name] = where
    return replace(settings, origins=MappingProxyType(origins))


def setting_names() -> tuple[str, ...]:
    """The names of all settings, in the order they are shown."""
    return tuple(f.name for f in fields(Settings) if f.name not in {"paths", "project_file", "origins"})


def masked(name: str, value: object) -> object:
    """`value` as it may be shown: passwords in a database address are replaced."""
    if name == "database_url" and isinstance(value, str):
        return mask_password(value)
    return value


def mask_password(url: str) -> str:
    """A database address without its passwords, in URL and in `key=value` form."""
    if not re.match(r"\s*\w+://", url):
        return re.sub(rf"(\b{_GUARDED}\s*=\s*){_VALUE}", r"\1***", url, flags=_ANY)

    def parameter(match: re.Match[str]) -> str:
        # libpq takes escapes in a keyword as well.
        return f"{match[1]}***" if re.fullmatch(_GUARDED, unquote(match[2]), flags=_ANY) else match[0]

    url = re.sub(r"([?&]([^=&]+)=)[^&]+", parameter, url)
    # A password may hold an unescaped @, / or ?; a port is followed by a path, a query or nothing.
    return re.sub(r"(://[^/@:?\[]*):(?!\d*(?:,[^/@?]*)?(?:/[^@?]*)?(?:\?|$)).*@", r"\1:***@", url, flags=_ANY)


def names_endpoint(embedder: str) -> bool:
    """Whether a model is one behind an address (`ollama:MODEL`, `URL#MODEL`), not a name or a folder."""
    return _ENDPOINT.match(embedder) is not None


def has_password(url: str) -> bool:
    return mask_password(url) != url


_GUARDED = r"(?:(?:ssl)?password|oauth_client_secret|scram_\w+_key)"
_VALUE = r"('(?:[^'\\]|\\.)*(?:'|$)|(?:[^\s\\]|\\.)+)"
_ANY = re.IGNORECASE | re.DOTALL


# --- layers ----------------------------------------------------------------------------------------------------------


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as exc:  # what it says may protect something, so it is not passed over
        raise ConfigError(f"{path} cannot be read: {exc.strerror}", hint="check its permissions") from None


def _nearest_project_file(cwd: Path | None) -> Path | None:
    try:
        here = (cwd or Path.cwd()).absolute()
    except FileNotFoundError:
        return None
    for folder in (here, *here.parents):
        candidate = folder / PROJECT_FILE
        with contextlib.suppress(OSError):  # a folder above that may not be looked into
            if candidate.is_file():
                return candidate
    return None


def _read_user_file(path: Path) -> dict[str, Any]:
    values = _flatten(_read_toml(path))
    for name in values:
        if name not in _PARSERS:
            raise _unknown(name, str(path), _PARSERS)
    if has_password(str(values.get("database_url", ""))):
        raise ConfigError(
            f"{path}: database_url holds a password",
            hint="leave it out and use PGPASSFILE, PGPASSWORD, or HYBRIDRAG_DATABASE_URL in the environment",
        )
    return values


def _read_project_file(path: Path) -> dict[str, Any]:
    values = _flatten(_read_toml(path))
    for name, value in values.items():
        if name not in _PARSERS:
            raise _unknown(name, str(path), _PROJECT_KEYS)
        if name not in _PROJECT_KEYS:
            raise ConfigError(
                f"{path}: a project file may not set {name}",
                hint="it may arrive with somebody else's files; set it in your own file "
                "(`hybridrag config path`), the environment or a flag",
            )
        if name in {"embedder", "reranker"} and isinstance(value, str) and names_endpoint(value.strip()):
            kind = "an embedding" if name == "embedder" else "a rerank"
            raise ConfigError(
                f"{path}: a project file may not name {kind} endpoint: that says where your documents go",
                hint="it may arrive with somebody else's files; set it in your own file "
                "(`hybridrag config path`), the environment or a flag",
            )
        if name == "offline" and value is not True:
            raise ConfigError(f"{path}: a project file may only set offline = true", hint="remove the line")
        levels = value.values() if name == "labels" and isinstance(value, dict) else ()
        if any(str(level).strip().lower() == "public" for level in levels):
            raise ConfigError(f"{path}: a project file may not label documents public", hint="use your own file")
    return values


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{path} is not valid TOML: {exc}", hint="mend the line it names") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from None
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}", hint="check the path and its permissions") from None


def _flatten(tree: dict[str, Any]) -> dict[str, Any]:
    """`[database] url` is `database_url`; `[providers.NAME]`, `[endpoints.NAME]` and `[labels]` stay tables."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and key not in {"providers", "endpoints", "labels"}:
            flat.update({f"{key}_{inner}": deeper for inner, deeper in value.items()})
        else:
            flat[key] = value
    return flat


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    known = {f"HYBRIDRAG_{name.upper()}": name for name in _ENVIRONMENT_KEYS}
    for variable, text in environ.items():
        if not variable.startswith("HYBRIDRAG_") or variable == "HYBRIDRAG_HOME":
            continue
        if variable.startswith("HYBRIDRAG_TEST_") or variable in _KEYS or not text:
            continue
        if variable not in known:
            raise _unknown(variable, "the environment", known)
        values[known[variable]] = text
    return values


def _unknown(name: str, where: str, known: Mapping[str, Any] | frozenset[str]) -> ConfigError:
    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean {close[0]}?" if close else "known: " + ", ".join(sorted(known))
    return ConfigError(f"{where}: unknown setting {name}", hint=hint)


def _where(origin: str, name: str) -> str:
    if origin == "environment":
        return f"HYBRIDRAG_{name.upper()}"
    return f"--{name.replace('_', '-')}" if origin == "flag" else f"{origin}: {name}"


# --- values ----------------------------------------------------------------------------------------------------------


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a non-empty text")
    if "\0" in value:
        raise ValueError("must not hold a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must be UTF-8") from None
    return value.strip()


def _embedder(value: object) -> str:
    return _model(value, key=CUSTOM_ENDPOINT_KEY)


def _reranker(value: object) -> str:
    return _model(value, key=CUSTOM_RERANKER_KEY)


def _model(value: object, *, key: str) -> str:
    name = _text(value)
    if "@" in re.split("[/?#]", name.partition("://")[2], maxsplit=1)[0]:  # not said with the value: it is shown
        raise ValueError(f"the address contains a user name or password; a key belongs in {key}")
    return name


def _collection(value: object) -> str:
    name = _text(value)
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no collection name: letters, digits, '.', '_' and '-', at most 63")
    return name


def _identifier(value: object) -> str:
    name = _text(value)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ValueError(f"{name!r} is no analyser: auto, plain, or a language such as en")
    return name


def _device(value: object) -> str:
    name = _text(value)
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise ValueError(f"{name!r} is none of auto, cpu, cuda, cuda:N, mps")
    return name


def _runtime(value: object) -> str:
    return _one_of(value, "auto", "openvino", "torch")


def _precision(value: object) -> str:
    return _one_of(value, "auto", "float32", "bfloat16", "float16", "int8")


def _rerank_api(value: object) -> str:
    return _one_of(value, "cohere", "tei")


def _one_of(value: object, *names: str) -> str:
    name = _text(value)
    if name not in names:
        raise ValueError(f"{name!r} is none of {', '.join(names)}")
    return name


def _dims(value: object) -> int:
    if isinstance(value, bool) or not str(value).strip().isdecimal() or not 1 <= int(str(value)) <= MOST_DIMENSIONS:
        raise ValueError(f"must be a number of dimensions from 1 to {MOST_DIMENSIONS:,}")
    return int(str(value))


def _trusted(value: object) -> tuple[str, ...]:
    names = _texts(value)
    for name in names:
        if "@" not in name and not name.startswith(("/", "~")):
            raise ValueError(f"{name!r} names no revision: write NAME@REVISION, or a folder's whole path")
    return names


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def _bytes(value: object) -> int:
    if isinstance(value, bool) or not str(value).strip().isdecimal() or int(str(value)) < 1:
        raise ValueError("must be a number of bytes above 0")
    return int(str(value))


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of texts")
    return tuple(_text(item) for item in value)


def _labels(value: object) -> tuple[tuple[str, Label], ...]:
    if not isinstance(value, Mapping):
        raise ValueError('must be a table of globs to labels, such as "hr/**" = "confidential"')
    return tuple((_text(glob), _label(level)) for glob, level in value.items())


def _label(value: object) -> Label:
    try:
        return Label.parse(_text(value))
    except ValueError:
        raise ValueError(f"{value!r} is none of {', '.join(Label)}") from None


def _providers(value: object) -> Mapping[str, ProviderSettings]:
    if not isinstance(value, Mapping):
        raise ValueError("must be tables such as [providers.together]")
    known = {f.name for f in fields(ProviderSettings)}
    result = {}
    for name, table in value.items():
        if not isinstance(table, Mapping):
            raise ValueError(f"providers.{name} must be a table")
        for key in table:
            if key not in known:
                raise ValueError(f"unknown key {key} in providers.{name}; known: {', '.join(sorted(known))}")
        result[str(name)] = ProviderSettings(**{key: _text(text) for key, text in table.items()})
    return MappingProxyType(result)


def _endpoints(value: object) -> Mapping[str, EndpointSettings]:
    if not isinstance(value, Mapping):
        raise ValueError("must be tables such as [endpoints.gpu]")
    return MappingProxyType({_endpoint_name(name): _endpoint(str(name), table) for name, table in value.items()})


def _endpoint_name(value: object) -> str:
    name = str(value)
    if not _ENDPOINT.fullmatch(f"{name}:"):
        raise ValueError(f"{name!r} is no endpoint's name: letters, digits, '.', '_' and '-'")
    return name


def _endpoint(name: str, table: object) -> EndpointSettings:
    if not isinstance(table, Mapping):
        raise ValueError(f"endpoints.{name} must be a table")
    parsers: dict[str, Callable[[object], Any]] = {
        "base_url": _embedder,
        "key_variable": _text,
        "query_prompt": _verbatim,
        "document_prompt": _verbatim,
        "window": _tokens,
        "dimensions": _dims,
        "rerank_api": _rerank_api,
    }
    values = {}
    for key, value in table.items():
        if key not in parsers:
            raise ValueError(f"unknown key {key} in endpoints.{name}; known: {', '.join(sorted(parsers))}")
        try:
            values[key] = parsers[key](value)
        except ValueError as exc:
            raise ValueError(f"endpoints.{name}.{key}: {exc}") from None
    return EndpointSettings(**values)


def _verbatim(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def _tokens(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < LEAST_WINDOW:
        raise ValueError(f"must be a number of tokens from {LEAST_WINDOW}")
    return value


def _database_url(value: object) -> str:
    url = _text(value)
    if "://" in url and urlsplit(url).scheme not in {"postgresql", "postgres"}:
        raise ValueError("is not a postgresql:// address")
    if "://" not in url and "=" not in url:
        raise ValueError("is neither a postgresql:// address nor key=value pairs")
    return url


_PARSERS: dict[str, Callable[[object], Any]] = {
    "collection": _collection,
    "embedder": _embedder,
    "reranker": _reranker,
    "rerank": _boolean,
    "text_search": _identifier,
    "device": _device,
    "runtime": _runtime,
    "precision": _precision,
    "dims": _dims,
    "trusted_code": _trusted,
    "database_url": _database_url,
    "offline": _boolean,
    "provider": _text,
    "llm": _text,
    "local_addresses": _texts,
    "providers": _providers,
    "endpoints": _endpoints,
    "allow_remote_embedding": _boolean,
    "include": _texts,
    "exclude": _texts,
    "labels": _labels,
    "max_file_bytes": _bytes,
}
_KEYS = frozenset({CUSTOM_PROVIDER_KEY, CUSTOM_ENDPOINT_KEY, CUSTOM_RERANKER_KEY})
_HINTS = {"database_url": "postgresql://user@host:5432/database; the password comes from the environment"}
_ENVIRONMENT_KEYS = tuple(name for name in _PARSERS if name not in {"providers", "endpoints", "labels", "trusted_code"})
_PROJECT_ADDS = frozenset({"labels", "exclude"})
"""What a project file adds to the user's own instead of replacing it: what protects may only be tightened."""
_PROJECT_KEYS = frozenset(
    {
        "collection",
        "embedder",
        "reranker",
        "rerank",
        "dims",
        "precision",
        "text_search",
        "offline",
        "include",
        "exclude",
        "labels",
    }
)
