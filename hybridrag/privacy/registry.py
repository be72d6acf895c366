"""Which detectors search a text: always the built-in ones, and what the user added. What cannot be loaded blocks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

from hybridrag.entries import entries_of, installed
from hybridrag.errors import BlockedByPolicy
from hybridrag.ports import Detector
from hybridrag.privacy.confined import Confined
from hybridrag.privacy.detectors import builtin_detectors, strict_detectors
from hybridrag.privacy.dictionaries import Allowed, own_detectors

GROUP = "hybridrag.detectors"
"""The entry-point group. An entry is a function that returns a detector; one for a names model takes its folder."""
_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):(.+)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DetectorSet:
    """`usual` search every text, `strict` those under a label that asks for it, besides. `added` are the user's own
    detectors and names model: they search every text as it is given."""

    usual: tuple[Detector, ...]
    strict: tuple[Detector, ...]
    added: tuple[Detector, ...] = ()
    has_names_model: bool = False

    def for_label(self, *, strict: bool) -> tuple[Detector, ...]:
        """The detectors for a text, in order."""
        return (*self.usual, *self.added, *(self.strict if strict else ()))

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the names and versions of all: spans that were found under another one are not valid."""
        parts = [[(found.name, found.version) for found in group] for group in (self.usual, self.strict, self.added)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def load_detectors(
    *,
    detectors: Sequence[str] = (),
    names_model: str = "",
    dictionaries: Mapping[str, Sequence[Path]] | None = None,
    deny: Sequence[str] = (),
    allow: Sequence[str] = (),
) -> DetectorSet:
    """The built-in detectors and those that were added; there is no way to have fewer.

    `detectors` are names of the entry-point group. `names_model` is a folder with a model for ONNX or GLiNER, or
    `NAME:FOLDER` for a model that the entry NAME opens. Both run in processes of their own, with a time limit. For the
    rest see `dictionaries`. Raises BlockedByPolicy where anything that was chosen cannot be loaded, so that nobody
    believes in a protection that is not there.
    """
    listed = own_detectors(dictionaries or {}, deny)
    builtin, suspecting = builtin_detectors(), strict_detectors()
    known = {found.name for found in (*builtin, *suspecting)}
    # All of them start before the first is waited for.
    added = [_added(name) for name in dict.fromkeys(detectors) if name not in known]
    if names_model:
        added.append(_names_model(names_model))
    for detector in added:
        detector.ready()
    spare = Allowed(allow).spare
    return DetectorSet(
        usual=(*map(spare, builtin), *listed),
        strict=tuple(map(spare, suspecting)),
        added=tuple(map(spare, added)),
        has_names_model=bool(names_model),
    )


def _added(name: str, folder: Path | None = None) -> Confined:
    entry = _entry(name)
    return Confined(f"{entry.module}:{entry.attr}", label=name, argument=folder)


def _names_model(place: str) -> Confined:
    named = _NAMED.match(place)
    folder = Path(named[2] if named else place).expanduser().absolute()
    if not folder.is_dir():
        raise BlockedByPolicy(
            f"There is no folder {folder} for the names model; nothing was sent.",
            hint="Set `names_model` to a folder that holds a model, or take it out.",
        )
    kind = "gliner" if (folder / "gliner_config.json").is_file() else "onnx"
    return _added(named[1] if named else kind, folder)


def _entry(name: str) -> EntryPoint:
    """The entry point of that name. Raises BlockedByPolicy where there is none, or where packages disagree about it."""
    found = entries_of(GROUP, name)
    if not found:
        known = ", ".join(installed(GROUP))
        raise BlockedByPolicy(
            f"The detector {name[:60]!r} is not installed; nothing was sent.",
            hint=f"Install the package that brings it, or take it out of the settings. Installed: {known}.",
        )
    if len(found) > 1:
        raise BlockedByPolicy(
            f"Several packages bring a detector {name!r}; nothing was sent.",
            hint=f"Uninstall all but one of: {', '.join(entry.value for entry in found)}.",
        )
    return found[0]
