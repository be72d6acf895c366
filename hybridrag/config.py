"""Settings: what is set, to what, and where that came from.

Precedence, highest first: command-line flag, `HYBRIDRAG_*` environment variable, `hybridrag.toml` (the nearest one
upward), the user's file, default. Unknown keys are errors. A project file can arrive with a cloned repository, so it
may not say where data goes or loosen what protects it: such keys are refused there with an error that says so.
"""

from __future__ import annotations

import contextlib
import difflib
import math
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
LEAST_PARSE_MEMORY = 512 * 1024**2
LEAST_WINDOW = 32
"""Tokens: below this there is hardly room for a text beside title and headings."""
MOST_SECONDS = 86_400
MOST_DIMENSIONS = 4_000
"""What pgvector can index as halfvec."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
_ENDPOINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*:")
_MODEL_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_-]*:")
"""What may stand before the folder of a names model: the entry point that opens it."""


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
    """What the user's file says about one chat provider; empty fields keep the preset's value.

    `zdr` says whether it keeps nothing of a request (zero data retention); None leaves that to the preset's facts.
    `format` is its wire format: `openai`, `anthropic`, or what an installed package brings. `context` counts tokens,
    prices are US dollars for a million of them. `omit` are optional fields of a request that it refuses, and
    `max_tokens_field` is what it calls the bound of a reply. `timeout` is as `provider_timeout`.
    """

    base_url: str = ""
    model: str = ""
    key_variable: str = ""
    zdr: bool | None = None
    format: str = ""
    context: int | None = None
    prompt_price: float | None = None
    completion_price: float | None = None
    omit: tuple[str, ...] | None = None
    max_tokens_field: str = ""
    timeout: float | None = None


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
    """Every setting with its value. `origins` tells for each name where the value came from.

    `policy` holds the `[policy]` table of each layer by its origin, in order: they tighten each other instead of
    replacing each other, which `privacy.policy_layers` sees to. `privacy_dictionaries` are files by the type they hold,
    `privacy_names_model` a folder, or `KIND:FOLDER`. `ledger_retention_days` of 0 keep everything. `max_cost_usd` is
    the budget of a UTC day, None for none. `fallback` names the providers to try, in order, where `provider` fails.
    `parse_timeout` and `parse_memory` are the seconds and the bytes of memory that one file may take to be parsed.
    `ocr` of `auto` reads pictures of text where tesseract is installed, in `ocr_languages` (its names) and English.
    `boilerplate` tells whether text that many documents repeat is indexed `once` or `everywhere`.
    `allow_private_addresses` lets web pages of this machine and of private networks be fetched. `parsers` are those of
    other packages, `NAME` or `NAME:FOLDER`, which come before the built-in ones.
    `provider_timeout` is the longest silence of a chat provider in seconds; a whole request may take five times that.
    """

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
    log_format: str = "text"
    provider: str = ""
    llm: str = ""
    fallback: tuple[str, ...] = ()
    provider_timeout: float = 120.0
    local_addresses: tuple[str, ...] = ()
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    endpoints: Mapping[str, EndpointSettings] = field(default_factory=dict)
    allow_remote_embedding: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    labels: tuple[tuple[str, Label], ...] = ()
    max_file_bytes: int = 100_000_000
    parse_timeout: float = 60.0
    parse_memory: int = 2 * 1024**3
    ocr: str = "auto"
    ocr_languages: tuple[str, ...] = ()
    boilerplate: str = "once"
    allow_private_addresses: bool = False
    parsers: tuple[str, ...] = ()
    policy: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    privacy_deny: tuple[str, ...] = ()
    privacy_deny_patterns: tuple[str, ...] = ()
    privacy_allow: tuple[str, ...] = ()
    privacy_dictionaries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    privacy_detectors: tuple[str, ...] = ()
    privacy_names_model: str = ""
    ledger_keep_payload: bool = False
    ledger_retention_days: int = 0
    max_cost_usd: float | None = None
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
            parsed = _parsed(name, value, origin, error)
            where = _where(origin, name) if origin in {"environment", "flag"} else origin
            before = getattr(settings, name)
            if name == "policy":
                parsed = {origin: parsed}
            if (name == "policy" or (origin == str(project_file) and name in _PROJECT_ADDS)) and before:
                parsed = _added(before, parsed)
                where = f"{origins[name]}, {where}"
            if name == "max_cost_usd" and origin == str(project_file) and before is not None and before <= parsed:
                continue  # a project may only lower it
            settings = replace(settings, **{name: parsed})
            origins[name] = where
    return replace(settings, origins=MappingProxyType(origins))


def read_settings_file(path: Path, *, project: bool) -> Mapping[str, Any]:
    """What a settings file says, read as a user's own or as a project's. Raises ConfigError as `load` does."""
    values = _read_project_file(path) if project else _read_user_file(path)
    return {name: _parsed(name, value, str(path), ConfigError) for name, value in values.items()}


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
        if name == "privacy_dictionaries":
            _check_inside(value, path)
        levels = value.values() if name == "labels" and isinstance(value, dict) else ()
        if any(str(level).strip().lower() == "public" for level in levels):
            raise ConfigError(f"{path}: a project file may not label documents public", hint="use your own file")
    return values


def _parsed(name: str, value: object, origin: str, error: type[ConfigError] | type[UsageError]) -> Any:
    try:
        parsed = _PARSERS[name](value)
    except ValueError as exc:
        raise error(f"{_where(origin, name)}: {exc}", hint=_HINTS.get(name, "")) from None
    if name == "privacy_names_model":
        found = _MODEL_KIND.match(parsed)
        kind = found[0] if found else ""
        return kind + _placed(parsed.removeprefix(kind), Path(origin))
    return _placed(parsed, Path(origin)) if name == "privacy_dictionaries" else parsed


def _check_inside(dictionaries: object, path: Path) -> None:
    """A project's dictionaries lie in its folder: a cloned file does not make the program read others."""
    folder = Path(os.path.realpath(path.parent))
    for name, files in dictionaries.items() if isinstance(dictionaries, dict) else ():
        for file in files if isinstance(files, list) else [files]:
            if not isinstance(file, str) or "\0" in file:
                continue  # told when it is parsed
            inside = not file.startswith(("/", "~")) and ".." not in Path(file).parts
            if not inside or not Path(os.path.realpath(folder / file)).is_relative_to(folder):
                raise ConfigError(
                    f"{path}: privacy_dictionaries.{name}: a project file may only name files in its own folder",
                    hint="put the file there, or name it in your own file (`hybridrag config path`)",
                )


def _placed(value: Any, origin: Path) -> Any:
    """Files and folders with the whole path: relative ones lie beside the file that names them."""
    if isinstance(value, str):
        return str(origin.absolute().parent / _from_home(Path(value)))
    if isinstance(value, tuple):
        return tuple(_placed(each, origin) for each in value)
    return MappingProxyType({name: _placed(each, origin) for name, each in value.items()})


def _from_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: there is no such home folder", hint="write the whole path") from None


def _added(before: Any, more: Any) -> Any:
    """Lists one after the other, and tables with the lists of both."""
    if isinstance(before, tuple):
        return (*before, *more)
    both = {**before, **more}
    shared = {name: (*before[name], *more[name]) for name in before.keys() & more.keys()}
    return MappingProxyType({name: shared.get(name, value) for name, value in both.items()})


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from None
    except (ValueError, RecursionError) as exc:  # the first also for numbers of thousands of digits
        raise ConfigError(f"{path} is not valid TOML: {exc}", hint="mend the line it names") from None
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}", hint="check the path and its permissions") from None


def _flatten(tree: dict[str, Any]) -> dict[str, Any]:
    """`[database] url` is `database_url`; `[providers]`, `[endpoints]`, `[labels]` and `[policy]` stay tables."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and key not in {"providers", "endpoints", "labels", "policy"}:
            flat.update({f"{key}_{inner}": deeper for inner, deeper in value.items()})
        else:
            flat[key] = value
    return flat


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    known = {f"HYBRIDRAG_{name.upper()}": name for name in (*_ENVIRONMENT_KEYS, *_POLICY_VARIABLES)}
    for variable, text in environ.items():
        if not variable.startswith("HYBRIDRAG_") or variable == "HYBRIDRAG_HOME":
            continue
        if variable.startswith("HYBRIDRAG_TEST_") or variable in _KEYS or not text:
            continue
        if variable not in known:
            raise _unknown(variable, "the environment", known)
        name = known[variable]
        if name in _POLICY_VARIABLES:
            values.setdefault("policy", {})[name.removeprefix("policy_")] = _switch(text, variable)
        else:
            values[name] = text
    return values


def _switch(text: str, variable: str) -> bool:
    try:
        return _boolean(text)
    except ValueError as exc:
        raise ConfigError(f"{variable}: {exc}", hint="true or false") from None


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


def _ocr(value: object) -> str:
    return _one_of(value, "auto", "off")


def _boilerplate(value: object) -> str:
    return _one_of(value, "once", "everywhere")


def _log_format(value: object) -> str:
    return _one_of(value, "text", "json")


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


def _list(value: object) -> tuple[str, ...]:
    """As `_texts`, but a text is one entry, commas and all: entries are matched as they stand."""
    return (_text(value),) if isinstance(value, str) else _texts(value)


def _dictionaries(value: object) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise ValueError('must be a table of types to files, such as CUSTOMER = "customers.txt"')
    for name in value:
        if not re.fullmatch(r"[A-Z]{1,10}", str(name)):
            raise ValueError(f"{name!r} is no type: 1 to 10 capital letters")
    return MappingProxyType({str(name): _list(files) for name, files in value.items()})


def _days(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a number of days, or 0 to keep everything")
    return value


def _dollars(value: object) -> float:
    amount = _number(value)
    if not 0 < amount < math.inf:
        raise ValueError("must be an amount of US dollars above 0, such as 2.50")
    return amount


def _seconds(value: object) -> float:
    seconds = _number(value)
    if not 0 < seconds <= MOST_SECONDS:
        raise ValueError(f"must be a number of seconds above 0, at most {MOST_SECONDS:,}")
    return seconds


def _parse_memory(value: object) -> int:
    size = _bytes(value)
    if size < LEAST_PARSE_MEMORY:
        raise ValueError(f"must be a number of bytes from {LEAST_PARSE_MEMORY:,}: the parsers themselves take that")
    return size


def _number(value: object) -> float:
    """NaN for what is no number."""
    try:
        return math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        return math.nan


def _policy(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a table, such as [policy.actions]")
    return MappingProxyType(dict(value))


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
    return MappingProxyType({str(name): _provider(str(name), table) for name, table in value.items()})


def _provider(name: str, table: object) -> ProviderSettings:
    if not isinstance(table, Mapping):
        raise ValueError(f"providers.{name} must be a table")
    parsers: dict[str, Callable[[object], Any]] = {
        "base_url": _text,
        "model": _text,
        "key_variable": _text,
        "zdr": _true_or_false,
        "format": _text,
        "context": _tokens,
        "prompt_price": _price,
        "completion_price": _price,
        "omit": _optional_fields,
        "max_tokens_field": _length_field,
        "timeout": _seconds,
    }
    made = ProviderSettings(**_fields(table, parsers, f"providers.{name}"))
    if (made.prompt_price is None) != (made.completion_price is None):
        raise ValueError(f"providers.{name} needs both prices: prompt_price and completion_price")
    return made


def _true_or_false(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _price(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError("must be US dollars for a million tokens, 0 or above")
    return float(value)


def _optional_fields(value: object) -> tuple[str, ...]:
    return tuple(_one_of(name, "max_tokens", "stream_options", "temperature") for name in _list(value))


def _length_field(value: object) -> str:
    return _one_of(value, "max_tokens", "max_completion_tokens")


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
    return EndpointSettings(**_fields(table, parsers, f"endpoints.{name}"))


def _fields(table: Mapping[str, object], parsers: Mapping[str, Callable[[object], Any]], where: str) -> dict[str, Any]:
    """The parsed values of a table whose keys are those of `parsers`."""
    values = {}
    for key, value in table.items():
        if key not in parsers:
            raise ValueError(f"unknown key {key} in {where}; known: {', '.join(sorted(parsers))}")
        try:
            values[key] = parsers[key](value)
        except ValueError as exc:
            raise ValueError(f"{where}.{key}: {exc}") from None
    return values


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
    "log_format": _log_format,
    "provider": _text,
    "llm": _text,
    "fallback": _texts,
    "provider_timeout": _seconds,
    "local_addresses": _texts,
    "providers": _providers,
    "endpoints": _endpoints,
    "allow_remote_embedding": _boolean,
    "include": _texts,
    "exclude": _texts,
    "labels": _labels,
    "max_file_bytes": _bytes,
    "parse_timeout": _seconds,
    "parse_memory": _parse_memory,
    "ocr": _ocr,
    "ocr_languages": _texts,
    "boilerplate": _boilerplate,
    "allow_private_addresses": _boolean,
    "parsers": _texts,
    "policy": _policy,
    "privacy_deny": _list,
    "privacy_deny_patterns": _list,
    "privacy_allow": _list,
    "privacy_dictionaries": _dictionaries,
    "privacy_detectors": _list,
    "privacy_names_model": _text,
    "ledger_keep_payload": _boolean,
    "ledger_retention_days": _days,
    "max_cost_usd": _dollars,
}
_KEYS = frozenset({CUSTOM_PROVIDER_KEY, CUSTOM_ENDPOINT_KEY, CUSTOM_RERANKER_KEY})
_HINTS = {
    "database_url": "postgresql://user@host:5432/database; the password comes from the environment",
    "policy": "docs/policy.md shows all that may stand there",
}
_FILES_ONLY = ("providers", "endpoints", "labels", "trusted_code", "policy", "privacy_", "ledger_")
_ENVIRONMENT_KEYS = tuple(name for name in _PARSERS if not name.startswith(_FILES_ONLY))
_POLICY_VARIABLES = ("policy_require_zdr", "policy_require_ner")
"""What of the policy the environment may say: it can only tighten."""
_PROJECT_ADDS = frozenset({"labels", "exclude", "privacy_deny", "privacy_deny_patterns", "privacy_dictionaries"})
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
        "ocr_languages",
        "boilerplate",
        "offline",
        "include",
        "exclude",
        "labels",
        "max_cost_usd",
        "policy",
        "privacy_deny",
        "privacy_deny_patterns",
        "privacy_dictionaries",
    }
)
