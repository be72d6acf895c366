"""The child process of `network`: loads torch, writes the converted network, checks it, ends.

It ends with 1 and the reason in one line where the model cannot be converted, with 75 (EX_TEMPFAIL) where another time
it might be.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.openvino_library import import_openvino
from hybridrag.models.torch_model import load_model

_NEAR = 0.9999
"""Least cosine of the converted network's vectors to torch's, both in float32. Measured: .999999 and better."""
_HIDDEN = -30_000.0
"""What attention adds to a score that must not count: finite in every number format, and its exponential is 0."""
_EFFORT = 1.5e12
"""Multiplications that the longest text of the check may take. The check takes a second for a model of 100 million
weights, and a minute or two for one of billions."""


def convert(folder: str, target: str, *, trusted: bool = False) -> None:
    """Writes the network of a sentence-transformers folder to `target` (an .xml path; the weights lie beside it).

    Raises ModelError where the network cannot be made, or gives other vectors than torch, and OSError where it cannot
    be written.
    """
    openvino = import_openvino()
    network, expected = _traced(Path(folder), trusted=trusted)
    try:
        openvino.save_model(network, target, compress_to_fp16=False)
    except RuntimeError as exc:
        raise OSError(f"{target} cannot be written") from exc
    del network  # a large one is not in memory twice
    gc.collect()
    _check(target, expected, openvino)


def _traced(folder: Path, *, trusted: bool) -> tuple[Any, list[Any]]:
    """The network for OpenVINO, and for each probe the vectors that torch gives."""
    import torch

    model = load_model(folder, name=folder.name, device="cpu", dtype="float32", trusted=trusted)
    _check_prompts(model)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            output = self.model({"input_ids": input_ids, "attention_mask": attention_mask})
            return torch.nn.functional.normalize(output["sentence_embedding"], dim=-1)

    import_openvino()  # first, so that it comes without its telemetry
    from openvino.tools.ovc import convert_model

    network = Network()
    # Padding in the example, or a mask of ones could be left out of the network as if there were never another.
    ids, mask = torch.ones((2, 8), dtype=torch.long), torch.ones((2, 8), dtype=torch.long)
    mask[1, 5:] = 0
    try:
        with torch.no_grad():
            expected = [(probe, network(*map(torch.from_numpy, probe)).numpy()) for probe in _probes(model)]
            _mask_finitely(model)
            example = {"input_ids": ids, "attention_mask": mask}
            return convert_model(network, example_input=example), expected
    except MemoryError:
        raise
    except Exception as exc:  # each library has exceptions of its own
        lines = str(exc).strip().splitlines() or [""]
        raise ModelError(f"it cannot be traced ({type(exc).__name__}: {lines[0][:120]})") from exc


def _check_prompts(model: Any) -> None:
    for module in model:
        if getattr(module, "include_prompt", True) is False:
            raise ModelError("its pooling leaves out the prompt, whose length a converted network is not told")


def _mask_finitely(model: Any) -> None:
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

    network = getattr(model[0], "auto_model", None)
    if network is None or network.config._attn_implementation != "sdpa":
        return
    AttentionInterface.register("finite_sdpa", sdpa_attention_forward)
    AttentionMaskInterface.register("finite_sdpa", finite_mask)
    network.set_attn_implementation("finite_sdpa")


def _probes(model: Any) -> list[Any]:
    """Token ids and masks to compare vectors for: one text and several, short and long, padded on the right.

    The long ones exceed a sliding window, where there is one, as far as `_EFFORT` allows.
    """
    import numpy as np

    random = np.random.default_rng(1)
    network = getattr(model[0], "auto_model", model[0])
    config = getattr(network, "config", None)
    local = [getattr(config, name, None) for name in ("sliding_window", "local_attention")]
    beyond = max((size for size in local if isinstance(size, int)), default=0) + 40
    affordable = int(_EFFORT / sum(parameter.numel() for parameter in network.parameters()))
    window = min(model.max_seq_length or 512, 4096)
    longest = max(16, min(beyond if beyond <= affordable else 64, affordable, window))
    words = network.get_input_embeddings().weight.shape[0]
    probes = []
    for lengths in ([1], [7], [longest], [min(21, longest), 9, 2], [longest, longest // 2]):
        ids = random.integers(0, words, (len(lengths), max(lengths)))
        mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
        probes.append((ids * mask, mask))
    return probes


def _check(target: str, expected: list[Any], openvino: Any) -> None:
    """Raises ModelError where the saved network gives other vectors than torch did."""
    options = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY"}
    try:
        compiled = openvino.Core().compile_model(target, "CPU", options)
    except RuntimeError as exc:
        raise ModelError("OpenVINO cannot compile the converted network") from exc
    for (ids, mask), vectors in expected:
        found = compiled({"input_ids": ids, "attention_mask": mask})[0]
        if found.shape != vectors.shape:
            raise ModelError(f"the converted network gives {found.shape} where torch gives {vectors.shape}")
        least = float((found * vectors).sum(axis=1).min())
        # Written so that what is not a number fails too.
        if not least >= _NEAR:
            raise ModelError(
                f"the converted network's vectors are not torch's (cosine {least:.4f}, {ids.shape} tokens)"
            )


def main(arguments: list[str]) -> int:
    """`FOLDER TARGET [--trusted]`. Returns the process's exit code."""
    try:
        convert(*arguments[:2], trusted=arguments[2:] == ["--trusted"])
    except ModelError as exc:
        print(exc.message, file=sys.stderr)  # noqa: T201  # the parent reads it
        return 1
    except (OSError, MemoryError) as exc:
        print(f"{type(exc).__name__}: {exc}", file=sys.stderr)  # noqa: T201
        return 75
    return 0


if __name__ == "__main__":
    # transformers copies a model's own code before it runs it; these copies go with the draft.
    os.environ.setdefault("HF_MODULES_CACHE", str(Path(sys.argv[2]).parent.parent / "code"))
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # Tearing torch down takes over a second, and everything is written.
    os._exit(code)
