"""What conversions of embedding models and rerankers share: probes, a mask that can be traced, trace, save, compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.openvino_library import import_openvino

_HIDDEN = -30_000.0
"""What attention adds to a score that must not count: finite in every number format, and its exponential is 0."""
_EFFORT = 1.5e12
"""Multiplications that the longest text of the check may take. The check takes a second for a model of 100 million
weights, and a minute or two for one of billions."""


@contextmanager
def tracing() -> Iterator[None]:
    """What runs and traces a torch module: any exception of the libraries becomes a ModelError."""
    import torch

    try:
        with torch.no_grad():
            yield
    except MemoryError:
        raise
    except Exception as exc:  # each library has exceptions of its own
        lines = str(exc).strip().splitlines() or [""]
        raise ModelError(f"it cannot be traced ({type(exc).__name__}: {lines[0][:120]})") from exc


def traced(module: Any, example: dict[str, Any]) -> Any:
    """A torch module as an `openvino.Model`. To be called under `tracing`."""
    import_openvino()  # first, so that it comes without its telemetry
    from openvino.tools.ovc import convert_model

    return convert_model(module, example_input=example)


def mask_finitely(network: Any) -> None:
    """Has the attention add a large negative number where it must not look, instead of leaving that out.

    With a sliding window, a padding token may see nothing but padding. Of nothing, OpenVINO's attention makes NaN, and
    the mean of all tokens becomes NaN with it. Besides, functions that transformers maps over a mask cannot be traced.
    """
    import torch

    try:
        from transformers import AttentionInterface, AttentionMaskInterface
        from transformers.integrations.sdpa_attention import sdpa_attention_forward
        from transformers.masking_utils import sdpa_mask
    except ImportError:  # before version 5; the check tells whether it matters
        return

    def finite_mask(*sizes: Any, dtype: torch.dtype = torch.float32, **options: Any) -> torch.Tensor:
        whole = {"allow_is_causal_skip": False, "allow_is_bidirectional_skip": False, "use_vmap": False}
        mask = sdpa_mask(*sizes, **(options | whole))
        assert mask is not None, "only where a mask may be skipped"
        return torch.where(mask, torch.zeros((), dtype=dtype), torch.full((), _HIDDEN, dtype=dtype))

    if getattr(getattr(network, "config", None), "_attn_implementation", None) != "sdpa":
        return
    AttentionInterface.register("finite_sdpa", sdpa_attention_forward)
    AttentionMaskInterface.register("finite_sdpa", finite_mask)
    network.set_attn_implementation("finite_sdpa")


def probes(network: Any, *, window: int) -> list[tuple[Any, Any]]:
    """Token ids and masks to compare results for: one text and several, short and long, padded on the right.

    The long ones exceed a sliding window, where there is one, as far as `_EFFORT` allows.
    """
    import numpy as np

    random = np.random.default_rng(1)
    config = getattr(network, "config", None)
    local = [getattr(config, name, None) for name in ("sliding_window", "local_attention")]
    beyond = max((size for size in local if isinstance(size, int)), default=0) + 40
    affordable = int(_EFFORT / sum(parameter.numel() for parameter in network.parameters()))
    longest = max(16, min(beyond if beyond <= affordable else 64, affordable, window, 4096))
    words = network.get_input_embeddings().weight.shape[0]
    found = []
    for lengths in ([1], [7], [longest], [min(21, longest), 9, 2], [longest, longest // 2]):
        ids = random.integers(0, words, (len(lengths), max(lengths)))
        mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
        found.append((ids * mask, mask))
    return found


def save(network: Any, target: str) -> None:
    """Writes a network to an .xml path, its weights beside it. Raises OSError where it cannot be written."""
    try:
        import_openvino().save_model(network, target, compress_to_fp16=False)
    except RuntimeError as exc:
        raise OSError(f"{target} cannot be written") from exc


def compiled(target: str) -> Callable[[dict[str, Any]], Any]:
    """The saved network, computing in float32: inputs by name to its first output."""
    options = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY"}
    try:
        network = import_openvino().Core().compile_model(target, "CPU", options)
    except RuntimeError as exc:
        raise ModelError("OpenVINO cannot compile the converted network") from exc
    names = {name for given in network.inputs for name in given.get_names()}
    return lambda given: network({name: value for name, value in given.items() if name in names})[0]
