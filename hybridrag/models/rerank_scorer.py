"""A reranker's folder as a torch module: pairs of token ids in, one score each out."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.locate import ModelFolder
from hybridrag.models.own_code import refused
from hybridrag.models.rerank_spec import auto_class
from hybridrag.models.torch_model import check_is_whole, first_line, quieten


def load_scorer(
    folder: Path, *, name: str, device: str, dtype: str, answers: tuple[int, int] | None, trusted: bool
) -> Any:
    """A module from `input_ids`, `attention_mask` and `token_type_ids`, each `(n, length) int64` and padded on the
    right, to scores `(n,) float32`.

    `answers` are the tokens for relevant and irrelevant of a language model, whose score is the difference of their
    logits behind the last token; None for a classifier, whose score is its logit. Nothing is fetched; its own code runs
    only if `trusted`. Raises ModelError where the libraries cannot load it, or would fill in weights.
    """
    quieten()
    try:
        network = _network(folder, dtype=dtype, causal=answers is not None, trusted=trusted)
        check_is_whole(network, name=name, folder=folder)
        return _scorer(network, answers).to(device).eval()
    except ModelError:
        raise
    except Exception as exc:  # whatever the model's files make the libraries raise, and memory that is too small
        if isinstance(exc, ValueError) and "trust_remote_code" in str(exc):
            raise refused(ModelFolder(name=name, path=folder, entry=None), "its auto_map") from exc
        raise ModelError(
            f"the reranker {name} in {folder} cannot be loaded ({type(exc).__name__}: {first_line(exc)})",
            hint="fetch it again, or choose another; --debug shows the cause",
        ) from exc


def _scorer(network: Any, answers: tuple[int, int] | None) -> Any:
    """A network of transformers with its scores in front."""
    import torch

    typed = "token_type_ids" in inspect.signature(network.forward).parameters
    typed = typed and getattr(network.config, "type_vocab_size", 0) > 1

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(
            self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
        ) -> torch.Tensor:
            more = {"token_type_ids": token_type_ids} if typed else {}
            scores: torch.Tensor = self.network(input_ids=input_ids, attention_mask=attention_mask, **more).logits
            return scores.float().reshape(-1)  # one for a pair, or more than there are pairs, which is seen

    class Answerer(torch.nn.Module):
        direction: torch.Tensor

        def __init__(self, relevant: int, irrelevant: int) -> None:
            super().__init__()
            self.network = network.base_model
            words = network.get_output_embeddings().weight.detach().float()
            self.register_buffer("direction", words[relevant] - words[irrelevant])

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor,  # noqa: ARG002 - as for a classifier
        ) -> torch.Tensor:
            tokens = self.network(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
            last = (attention_mask.sum(dim=1) - 1)[:, None, None].expand(-1, 1, tokens.shape[-1])
            # The two logits are all that is needed of the vocabulary's 150,000.
            scores: torch.Tensor = tokens.gather(1, last)[:, 0].float() @ self.direction
            return scores

    return Classifier() if answers is None else Answerer(*answers)


def _network(folder: Path, *, dtype: str, causal: bool, trusted: bool) -> Any:
    import torch
    import transformers

    loader = getattr(transformers, auto_class(causal=causal))
    return loader.from_pretrained(
        str(folder),
        dtype=getattr(torch, dtype),
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=trusted,
    )
