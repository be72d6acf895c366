"""The table of all settings. A new one is an entry here: its name, type, default, what it means, and how it is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridrag.config import tables, values
from hybridrag.config.entry import Merge, entries_of, said
from hybridrag.config.named_files import inside_its_folder, placed, placed_model
from hybridrag.config.passwords import mask_password, no_password
from hybridrag.config.paths import Paths
from hybridrag.config.project import anything, no_endpoint, no_public_label, only_on
from hybridrag.config.tables import EndpointSettings, ProviderSettings
from hybridrag.types import Label


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its value. `origins` tells for each name where the value came from.

    Unless `said` has a `project`, no project file may say it. `paths`, `project_file` and `origins` are no settings.
    """

    paths: Paths
    collection: str = field(default="default", metadata=said(values.collection, project=anything))

    # --- models ------------------------------------------------------------------------------------------------------

    embedder: str = field(default="all-MiniLM-L6-v2", metadata=said(values.embedder, project=no_endpoint))
    dims: int = field(default=0, metadata=said(values.dimensions, project=anything))
    """So many of the first numbers of a vector are kept; 0 for all."""
    reranker: str = field(default="", metadata=said(values.model(key=values.CUSTOM_RERANKER_KEY), project=no_endpoint))
    rerank: bool = field(default=False, metadata=said(values.boolean, project=anything))
    text_search: str = field(default="auto", metadata=said(values.analyser, project=anything))
    device: str = field(default="auto", metadata=said(values.device))
    runtime: str = field(default="auto", metadata=said(values.one_of("auto", "openvino", "torch")))
    precision: str = field(
        default="auto",
        metadata=said(values.one_of("auto", "float32", "bfloat16", "float16", "int8"), project=anything),
    )
    trusted_code: tuple[str, ...] = field(default=(), metadata=said(values.trusted_code, environment=False))
    """Models whose own code may run: `NAME@REVISION`, or a folder."""

    # --- the program -------------------------------------------------------------------------------------------------

    database_url: str = field(
        default="",
        metadata=said(
            values.database_url,
            hint="postgresql://user@host:5432/database; the password comes from the environment",
            own=no_password,
            show=mask_password,
        ),
    )
    offline: bool = field(default=False, metadata=said(values.boolean, project=only_on))
    log_format: str = field(default="text", metadata=said(values.one_of("text", "json")))

    # --- providers and endpoints -------------------------------------------------------------------------------------

    provider: str = field(default="", metadata=said(values.text))
    llm: str = field(default="", metadata=said(values.text))
    fallback: tuple[str, ...] = field(default=(), metadata=said(values.texts))
    """The providers to try, in order, where `provider` fails."""
    provider_timeout: float = field(default=120.0, metadata=said(values.seconds))
    """The longest silence of a chat provider in seconds; a whole request may take five times that."""
    local_addresses: tuple[str, ...] = field(default=(), metadata=said(values.texts))
    """Servers of the user's own: plain text may go there."""
    providers: Mapping[str, ProviderSettings] = field(
        default_factory=dict, metadata=said(tables.providers, table=True, environment=False)
    )
    endpoints: Mapping[str, EndpointSettings] = field(
        default_factory=dict, metadata=said(tables.endpoints, table=True, environment=False)
    )
    allow_remote_embedding: bool = field(default=False, metadata=said(values.boolean))

    # --- sources and parsing -----------------------------------------------------------------------------------------

    include: tuple[str, ...] = field(default=(), metadata=said(values.texts, project=anything))
    exclude: tuple[str, ...] = field(default=(), metadata=said(values.texts, project=anything, merge=Merge.ADD))
    labels: tuple[tuple[str, Label], ...] = field(
        default=(),
        metadata=said(tables.labels, table=True, environment=False, project=no_public_label, merge=Merge.ADD),
    )
    max_file_bytes: int = field(default=100_000_000, metadata=said(values.size))
    parse_timeout: float = field(default=60.0, metadata=said(values.seconds))
    """The seconds that one file may take to be parsed."""
    parse_memory: int = field(default=2 * 1024**3, metadata=said(values.parse_memory))
    """The bytes of memory that it may take."""
    ocr: str = field(default="auto", metadata=said(values.one_of("auto", "off")))
    """`auto` reads pictures of text where tesseract is installed."""
    ocr_languages: tuple[str, ...] = field(default=(), metadata=said(values.texts, project=anything))
    """The languages of such pictures, as tesseract names them, beside English."""
    boilerplate: str = field(default="once", metadata=said(values.one_of("once", "everywhere"), project=anything))
    """Whether text that many documents repeat is indexed `once` or `everywhere`."""
    allow_private_addresses: bool = field(default=False, metadata=said(values.boolean))
    """Whether web pages of this machine and of private networks may be fetched."""
    parsers: tuple[str, ...] = field(default=(), metadata=said(values.texts))
    """Those of other packages, `NAME` or `NAME:FOLDER`, which come before the built-in ones."""

    # --- privacy and spending ----------------------------------------------------------------------------------------

    policy: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict,
        metadata=said(
            tables.policy,
            hint="docs/policy.md shows all that may stand there",
            table=True,
            project=anything,
            environment=False,
            switches=("require_zdr", "require_ner"),  # the environment can only tighten
            merge=Merge.KEEP,
        ),
    )
    """The `[policy]` table of each layer by its origin, in order: they tighten each other instead of replacing each
    other, which `privacy.policy_layers` sees to."""
    privacy_deny: tuple[str, ...] = field(
        default=(), metadata=said(values.entries, environment=False, project=anything, merge=Merge.ADD)
    )
    privacy_deny_patterns: tuple[str, ...] = field(
        default=(), metadata=said(values.entries, environment=False, project=anything, merge=Merge.ADD)
    )
    privacy_allow: tuple[str, ...] = field(default=(), metadata=said(values.entries, environment=False))
    privacy_dictionaries: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict,
        metadata=said(tables.dictionaries, environment=False, project=inside_its_folder, merge=Merge.ADD, place=placed),
    )
    """Files by the type they hold."""
    privacy_detectors: tuple[str, ...] = field(default=(), metadata=said(values.entries, environment=False))
    privacy_names_model: str = field(default="", metadata=said(values.text, environment=False, place=placed_model))
    """A folder, or `KIND:FOLDER`."""
    ledger_keep_payload: bool = field(default=False, metadata=said(values.boolean, environment=False))
    ledger_retention_days: int = field(default=0, metadata=said(values.days, environment=False))
    """0 keeps everything."""
    max_cost_usd: float | None = field(default=None, metadata=said(values.dollars, project=anything, merge=Merge.LOWER))
    """The budget of a UTC day; None for none."""

    project_file: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict)


ENTRIES = entries_of(Settings)


def setting_names() -> tuple[str, ...]:
    """The names of all settings, in the order they are shown."""
    return tuple(ENTRIES)


def masked(name: str, value: object) -> object:
    """`value` as it may be shown: passwords in a database address are replaced."""
    show = ENTRIES[name].show
    return value if show is None else show(value)
