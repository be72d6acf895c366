"""A sentence-transformers model as an OpenVINO one: converted once, in a child process that needs torch.

The converted network holds pooling, dense layers and normalisation: token ids in, unit vectors out, in float32. It is
kept under the model's fingerprint, and appears there whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hybridrag.errors import ModelError
from hybridrag.models.spec import ModelSpec

_LONGEST = 1800
"""Seconds a conversion may take; the largest catalogue models need minutes."""


def converted(spec: ModelSpec, fingerprint: str, *, cache: Path) -> Path:
    """The path of the converted model's XML file, made now if it is not there. Raises ModelError where that fails."""
    network = _network_file(fingerprint, cache)
    folder = network.parent
    if network.is_file():
        return network
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_left_drafts(folder.parent)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=folder.parent, ignore_cleanup_errors=True) as parent:
            draft = Path(parent) / "model"
            draft.mkdir()
            _convert_in_child(spec, draft)
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


def is_converted(fingerprint: str, *, cache: Path) -> bool:
    """Whether the model of that fingerprint was converted on this machine."""
    return _network_file(fingerprint, cache).is_file()


def _network_file(fingerprint: str, cache: Path) -> Path:
    return cache / "openvino" / fingerprint[:32] / "model.xml"


def _remove_left_drafts(folder: Path) -> None:
    """What conversions left that were killed; none takes longer than `_LONGEST`."""
    for draft in folder.glob(".draft-*"):
        with contextlib.suppress(OSError):
            if time.time() - draft.stat().st_mtime > 2 * _LONGEST:
                shutil.rmtree(draft, ignore_errors=True)


def _convert_in_child(spec: ModelSpec, folder: Path) -> None:
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder.parent),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONWARNINGS": "ignore",
    }
    # `-P` keeps the working folder off the module path: it may hold somebody else's files.
    command = [sys.executable, "-P", "-m", "hybridrag.models.convert_worker", str(spec.path), str(folder / "model.xml")]
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LONGEST, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise ModelError(f"converting the model {spec.name} takes too long", hint="it is run by torch instead") from exc
    if done.returncode != 0 or not (folder / "model.xml").is_file():
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit {done.returncode}"])[-1]
        raise ModelError(f"the model {spec.name} cannot be converted: {last[:200]}", hint="it is run by torch instead")
