"""The child process of `network`: loads torch, writes the converted network, checks it, ends.

It ends with 1 and the reason in one line where the model cannot be converted, with 75 (EX_TEMPFAIL) where another time
it might be.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.torch_model import load_model
from hybridrag.models.tracing import compiled, mask_finitely, probes, save, traced, tracing

_NEAR = 0.9999
"""Least cosine of the converted network's vectors to torch's, both in float32. Measured: .999999 and better."""


def convert(folder: str, target: str, *, trusted: bool = False) -> None:
    """Writes the network of a sentence-transformers folder to `target` (an .xml path; the weights lie beside it).

    Raises ModelError where the network cannot be made, or gives other vectors than torch, and OSError where it cannot
    be written.
    """
    network, expected = _traced(Path(folder), trusted=trusted)
    save(network, target)
    del network
    gc.collect()  # torch's modules hold themselves in cycles, and a large model is not to be in memory twice
    _check(target, expected)


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

    network, inner = Network(), getattr(model[0], "auto_model", model[0])
    # Padding in the example, or a mask of ones could be left out of the network as if there were never another.
    ids, mask = torch.ones((2, 8), dtype=torch.long), torch.ones((2, 8), dtype=torch.long)
    mask[1, 5:] = 0
    with tracing():
        given = probes(inner, window=model.max_seq_length or 512)
        expected = [(probe, network(*map(torch.from_numpy, probe)).numpy()) for probe in given]
        mask_finitely(inner)
        return traced(network, {"input_ids": ids, "attention_mask": mask}), expected


def _check_prompts(model: Any) -> None:
    for module in model:
        if getattr(module, "include_prompt", True) is False:
            raise ModelError("its pooling leaves out the prompt, whose length a converted network is not told")


def _check(target: str, expected: list[Any]) -> None:
    """Raises ModelError where the saved network gives other vectors than torch did."""
    network = compiled(target)
    for (ids, mask), vectors in expected:
        found = network({"input_ids": ids, "attention_mask": mask})
        if found.shape != vectors.shape:
            raise ModelError(f"the converted network gives {found.shape} where torch gives {vectors.shape}")
        least = float((found * vectors).sum(axis=1).min())
        # Written so that what is not a number fails too.
        if not least >= _NEAR:
            raise ModelError(
                f"the converted network's vectors are not torch's (cosine {least:.4f}, {ids.shape} tokens)"
            )


def main(arguments: list[str]) -> int:
    """`FOLDER TARGET [--trusted] [--reranker WINDOW [--answers YES NO]]`. Returns the process's exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("target")
    parser.add_argument("--trusted", action="store_true")
    parser.add_argument("--reranker", type=int, metavar="WINDOW")
    parser.add_argument("--answers", type=int, nargs=2)
    given = parser.parse_args(arguments)
    try:
        if given.reranker is None:
            convert(given.folder, given.target, trusted=given.trusted)
        else:
            from hybridrag.models.rerank_convert import convert_reranker

            answers = tuple(given.answers) if given.answers else None
            convert_reranker(given.folder, given.target, window=given.reranker, answers=answers, trusted=given.trusted)
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
