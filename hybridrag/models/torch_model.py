"""A model folder as a SentenceTransformer in memory, without its libraries' chatter, downloads and silent guesses."""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.locate import ModelFolder
from hybridrag.models.own_code import refused

_FASTEST = {"cuda": ("bfloat16", "float16"), "mps": ("float16",), "cpu": ("bfloat16",)}
"""Formats to compute in besides float32, the best first. bfloat16 has the range of float32 and overflows nowhere."""
_SAFE = ("float32", "bfloat16")
"""What a model is taken to tolerate where nobody knows: some overflow in float16."""


def number_format(kind: str, *, precision: str, tolerated: Collection[str] | None, able: Collection[str]) -> str:
    """`float32`, `bfloat16` or `float16` for a device of a kind (`cpu`, `cuda`, `mps`).

    `able` is what the device computes in faster than in float32, `tolerated` what keeps the model's results right, None
    where that is not known. Raises ModelError where `precision` asks for what the model does not tolerate.
    """
    if precision == "auto":
        safe = _SAFE if tolerated is None else tolerated
        return next((name for name in _FASTEST.get(kind, ()) if name in able and name in safe), "float32")
    if tolerated is not None and precision not in tolerated:
        raise ModelError(f"this model's results are wrong in {precision}", hint=f"choose {' or '.join(tolerated)}")
    return precision


def fast_formats(device: str) -> set[str]:
    """The number formats that a torch device (`cpu`, `cuda`, `cuda:1`, `mps`) computes in faster than in float32."""
    import torch

    kind = device.partition(":")[0]
    if kind == "cuda":
        # Older ones emulate bfloat16, slowly, and would say that they have it.
        real = torch.cuda.is_bf16_supported(including_emulation=False)
        return {"bfloat16", "float16"} if real else {"float16"}
    if kind == "cpu":
        probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
        return {"bfloat16"} if any(getattr(torch.cpu, probe, bool)() for probe in probes) else set()
    return {"float16"}


def best_device() -> str:
    """`cuda`, `mps` or `cpu`."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def load_model(folder: Path, *, name: str, device: str, dtype: str, trusted: bool) -> Any:
    """The folder's SentenceTransformer, ready to compute. Nothing is fetched; its own code runs only if `trusted`.

    Raises ModelError where the libraries cannot load it, or would fill in weights that the files lack.
    """
    quieten()
    import torch

    options: dict[str, Any] = {"dtype": getattr(torch, dtype), "use_safetensors": True}
    if device.startswith("cuda") and dtype != "float32" and importlib.util.find_spec("flash_attn") is not None:
        # Not every architecture has it. torch's own attention, the default, is a good second.
        try:
            return _loaded(folder, name, device, {**options, "attn_implementation": "flash_attention_2"}, trusted)
        except ModelError:
            pass
    return _loaded(folder, name, device, options, trusted)


def _loaded(folder: Path, name: str, device: str, options: dict[str, Any], trusted: bool) -> Any:
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(
            str(folder), device=device, trust_remote_code=trusted, local_files_only=True, model_kwargs=options
        )
    except Exception as exc:  # whatever the model's files make the libraries raise
        if isinstance(exc, ValueError) and "trust_remote_code" in str(exc):
            raise refused(ModelFolder(name=name, path=folder, entry=None), "its auto_map") from exc
        raise ModelError(
            f"the model {name} in {folder} cannot be loaded ({type(exc).__name__}: {first_line(exc)})",
            hint="fetch it again, or choose another with --embedder; --debug shows the cause",
        ) from exc
    # The pooler behind BERT's last layer has no part in any vector here, and many models come without it.
    check_is_whole(getattr(model[0], "auto_model", model[0]), name=name, folder=folder, unused="pooler")
    model.eval()
    return model


def check_is_whole(network: Any, *, name: str, folder: Path, unused: str = "") -> None:
    """Raises ModelError for weights that no file had, so that transformers filled in random ones, with no more than a
    warning. Those whose name holds `unused` do not matter."""
    parameters = dict(network.named_parameters())
    loaded = {known for known, parameter in parameters.items() if getattr(parameter, "_is_hf_initialized", False)}
    if not loaded:  # a version of the library that does not mark them
        return
    if missing := [known for known in parameters if known not in loaded and not (unused and unused in known)]:
        raise ModelError(
            f"the model {name} in {folder} lacks {len(missing)} weights that its architecture has, {missing[0]} first",
            hint="fetch it again; if it is whole, its network is not the one that its config.json names: "
            "choose another model",
        )


def first_line(exc: Exception) -> str:
    lines = str(exc).strip().splitlines() or [""]
    return lines[0][:160]


def quieten() -> None:
    """Hub clients and tokenizers talk on stderr and look for updates; neither is wanted here."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    # Every model is a local folder by now, so no library has a reason to ask the hub.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    warnings.filterwarnings("ignore", module=r"(transformers|sentence_transformers|torch)(\..*)?")
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # the variable above is too late where a hub client was imported before
    for name in ("transformers", "sentence_transformers", "huggingface_hub"):  # after the import, which sets its own
        logging.getLogger(name).setLevel(logging.ERROR)
