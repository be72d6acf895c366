"""The conversion of a reranker in the worker's child process (`convert_worker.py`)."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.rerank_scorer import load_scorer
from hybridrag.models.tracing import compiled, mask_finitely, probes, save, traced, tracing

_NEAR = 1e-3
"""Most that a converted network's score may differ from torch's, both in float32, in logits of about -10 to 10."""


def convert_reranker(
    folder: str, target: str, *, window: int, answers: tuple[int, int] | None, trusted: bool = False
) -> None:
    """Writes the network of a reranker's folder to `target` (an .xml path; the weights lie beside it).

    `answers` as for `load_scorer`. Raises ModelError where the network cannot be made, or gives other scores than
    torch, and OSError where it cannot be written.
    """
    network, expected = _traced(Path(folder), window=window, answers=answers, trusted=trusted)
    save(network, target)
    del network
    gc.collect()  # torch's modules hold themselves in cycles, and a large model is not to be in memory twice
    _check(target, expected)


def _traced(
    folder: Path, *, window: int, answers: tuple[int, int] | None, trusted: bool
) -> tuple[Any, list[tuple[dict[str, Any], Any]]]:
    """The network for OpenVINO, and for each probe the scores that torch gives."""
    import torch

    scorer = load_scorer(folder, name=folder.name, device="cpu", dtype="float32", answers=answers, trusted=trusted)
    ids, mask, types = (torch.ones((2, 8), dtype=torch.long) for _ in range(3))
    mask[1, 5:] = 0
    types[:, :3] = 0
    with tracing():
        given = [_inputs(*probe) for probe in probes(scorer.network, window=window)]
        expected = [
            (probe, scorer(**{name: torch.from_numpy(part) for name, part in probe.items()}).numpy()) for probe in given
        ]
        mask_finitely(scorer.network)
        return traced(scorer, {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}), expected


def _inputs(ids: Any, mask: Any) -> dict[str, Any]:
    """A probe with its second half as the text: there the types are 1."""
    types = mask.copy()
    types[:, : -(-ids.shape[1] // 2)] = 0
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def _check(target: str, expected: list[tuple[dict[str, Any], Any]]) -> None:
    """Raises ModelError where the saved network gives other scores than torch did."""
    network = compiled(target)
    for probe, scores in expected:
        found = network(probe)
        if found.shape != scores.shape:
            raise ModelError(f"the converted network gives {found.shape} where torch gives {scores.shape}")
        worst = float(abs(found - scores).max() / max(1.0, float(abs(scores).max())))
        # Written so that what is not a number fails too.
        if not worst <= _NEAR:
            raise ModelError(f"the converted network's scores are not torch's (off by {worst:.4f})")
