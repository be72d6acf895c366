"""Front matter: the metadata block that a Markdown file may begin with, YAML between `---` or TOML between `+++`.

Every scalar stays the text that was written. YAML's own ideas of types would make `no` False and `1.10` a number.
"""

from __future__ import annotations

import re
from typing import Any

_BLOCK = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?)^(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_LABEL = re.compile(r"^[ \t]*[\"']?label[\"']?[ \t]*[:=][ \t]*(\S.*)$", re.MULTILINE | re.IGNORECASE)
_MEANT = re.compile(r"(?:[ \t]*(?:#.*)?\n)*[ \t]*[\"']?[\w.-]+[\"']?[ \t]*[:=]")
_LARGEST = 64 * 1024


def split_front_matter(text: str) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """The metadata, the text after it, and notes.

    A block that is no metadata (a text between two rules) is left in the text. Of a block that was meant as metadata
    and cannot be read, a `label` is still found: a slip in another line must not make a document less guarded.
    """
    block = _BLOCK.match(text, 0, _LARGEST)
    if block is None:
        return {}, text, ()
    metadata = _read_toml(block[2]) if block[1] == "+++" else _read_yaml(block[2])
    if metadata is not None:
        rest = text[block.end() :]
        return _with_plain_label(metadata), rest[len(rest) - len(rest.lstrip("\n")) :], ()
    if not _MEANT.match(block[2]):
        return {}, text, ()
    label = _LABEL.search(block[2])
    kept = {"label": label[1].split(" #")[0].strip("\"', \t")} if label else {}
    return kept, text, ("its front matter could not be read and was kept as text",)


def _read_yaml(block: str) -> dict[str, Any] | None:
    import yaml

    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(block)):
            return None  # aliases let a few lines stand for gigabytes
        found = yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506 it makes nothing but strings, lists and dicts
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    if not block.strip():
        return {}
    return found if isinstance(found, dict) and all(isinstance(key, str) for key in found) else None


def _read_toml(block: str) -> dict[str, Any] | None:
    import tomllib

    try:
        return {key: _as_text(value) for key, value in tomllib.loads(block).items()}
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return None


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_plain_label(metadata: dict[str, Any]) -> dict[str, Any]:
    """The key `label` in small letters, whatever letters it was written in, and its value as text."""
    plain = {key: value for key, value in metadata.items() if key.strip().lower() != "label"}
    labels = [value for key, value in metadata.items() if key.strip().lower() == "label"]
    if labels:
        plain["label"] = labels[0] if len(labels) == 1 and isinstance(labels[0], str) else str(labels)
    return plain
