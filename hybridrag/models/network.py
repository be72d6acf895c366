"""A model as an OpenVINO network, made once and kept: token ids in, unit vectors out.

It comes from the graph that the model's folder ships, or else from sentence-transformers, converted in a child process
that needs torch. Pooling, dense layers and normalisation are inside. A kept network appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hybridrag.errors import ModelError
from hybridrag.models.fingerprint import fingerprint, graph_hashes
from hybridrag.models.spec import ModelSpec

_FORM = "2"
"""Changes whenever the same model is converted in another way, so that what was kept before is not used."""
_ANOTHER_TIME = 75
"""The worker's exit code (EX_TEMPFAIL) for what may work later."""
_LONGEST = 1800
"""Seconds a conversion may take; the largest catalogue models need minutes."""


def network_file(spec: ModelSpec, *, cache: Path) -> Path:
    """The XML file of the model's network, made now if it is not kept. Raises ModelError where that fails."""
    network = place_of(spec, cache)
    if network.is_file():
        return network
    if spec.arithmetic == "int8":
        from hybridrag.models.quantise import quantise

        whole = network_file(spec.computed_as("reference"), cache=cache)
        return keep(network, lambda draft: quantise(whole, draft))
    if spec.graph is not None:
        from hybridrag.models.graph import sentence_network
        from hybridrag.models.openvino_library import import_openvino

        made = sentence_network(spec)
        return keep(network, lambda draft: import_openvino().save_model(made, str(draft), compress_to_fp16=False))
    return converted(network, name=spec.name, folder=spec.path, options=["--trusted"] if spec.trusted else [])


def is_kept(spec: ModelSpec, *, cache: Path) -> bool:
    """Whether the model's network was made on this machine."""
    return place_of(spec, cache).is_file()


def place_of(spec: ModelSpec, cache: Path) -> Path:
    """Where the model's network is kept: its XML file, there or not."""
    name = fingerprint(replace(spec, dimensions=spec.full_dimensions), cache=cache)[:32]
    if shipped := graph_hashes(spec, cache=cache):
        name = f"{name}-{hashlib.sha256(''.join(shipped).encode()).hexdigest()[:8]}"
    return cache / "openvino" / f"{name}-{_FORM}" / "model.xml"


def keep(network: Path, make: Callable[[Path], None]) -> Path:
    """Has `make` write the network to a draft, which then takes its place at once.

    Raises ModelError where it cannot be kept.
    """
    folder = network.parent
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_left_drafts(folder.parent)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=folder.parent, ignore_cleanup_errors=True) as parent:
            draft = Path(parent) / "model"
            draft.mkdir()
            make(draft / network.name)
            try:
                draft.rename(folder)
            except OSError:
                if not network.is_file():  # otherwise another process was faster, with the same result
                    raise
    except OSError as exc:
        raise ModelError(
            f"the converted model cannot be kept in {folder.parent}: {exc.strerror}",
            hint="free space, or mend the folder",
        ) from exc
    return network


def _remove_left_drafts(folder: Path) -> None:
    """What conversions left that were killed; none takes longer than `_LONGEST`."""
    for draft in folder.glob(".draft-*"):
        with contextlib.suppress(OSError):
            if time.time() - draft.stat().st_mtime > 2 * _LONGEST:
                shutil.rmtree(draft, ignore_errors=True)


# --- conversion ------------------------------------------------------------------------------------------------------


def converted(network: Path, *, name: str, folder: Path, options: Sequence[str]) -> Path:
    """`network`, made from the weights in a model's folder by a child process; `options` are the worker's.

    Raises ModelError where that fails, without trying again what failed with the same libraries.
    """
    failure = network.parent.with_suffix(".failed")
    if (reason := _failed_before(failure)) is None:
        try:
            return keep(network, lambda draft: _convert_in_child(name, [str(folder), str(draft), *options], draft))
        except _NotConverted as exc:
            reason = str(exc)
            _remember(failure, reason)
    raise ModelError(f"the model {name} cannot be converted: {reason}", hint="torch runs it instead")


class _NotConverted(Exception):
    """The model is one that cannot be converted here, and trying again would not change that."""


def _convert_in_child(name: str, arguments: Sequence[str], target: Path) -> None:
    if not can_convert():
        raise ModelError(
            f"the model {name} ships no OpenVINO or ONNX graph, and torch, which would make one, is not installed",
            hint="choose a model that ships openvino/ or onnx/, or a static one (potion), or install torch and "
            "sentence-transformers",
        )
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(target.parent.parent),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONWARNINGS": "ignore",
    }
    # `-P` keeps the working folder off the module path: it may hold somebody else's files.
    command = [sys.executable, "-P", "-m", "hybridrag.models.convert_worker", *arguments]
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LONGEST, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise ModelError(f"converting the model {name} takes too long", hint="torch runs it instead") from exc
    if done.returncode < 0 or done.returncode == _ANOTHER_TIME:
        reason = _last_line(done.stderr) or f"ended by signal {-done.returncode}"
        raise ModelError(f"the model {name} could not be converted now: {reason}", hint="is there memory enough?")
    if done.returncode != 0 or not target.is_file():
        raise _NotConverted(_last_line(done.stderr) or f"exit {done.returncode}")


def _last_line(stderr: bytes) -> str:
    return (stderr.decode("utf-8", "replace").strip().splitlines() or [""])[-1][:200]


def can_convert() -> bool:
    """Whether what converts a model is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "sentence_transformers"))


def _failed_before(failure: Path) -> str | None:
    """Why the conversion failed with the libraries that are installed now, if it was tried."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        versions, _, reason = failure.read_text(encoding="utf-8").partition("\n")
        if versions == installed_versions():
            return reason.strip()
    return None


def _remember(failure: Path, reason: str) -> None:
    with contextlib.suppress(OSError):  # then it is tried again
        failure.write_text(f"{installed_versions()}\n{reason}\n", encoding="utf-8")


def installed_versions() -> str:
    from importlib.metadata import version

    return ", ".join(
        f"{name} {version(name)}" for name in ("openvino", "torch", "transformers", "sentence-transformers")
    )
