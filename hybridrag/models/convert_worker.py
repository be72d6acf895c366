"""The child process of `convert`: loads torch, writes the converted network, ends."""

from __future__ import annotations

import os
import sys


def convert(model_folder: str, target: str) -> None:
    """Writes the network of a sentence-transformers folder to `target` (an .xml path; the weights lie beside it)."""
    # OpenVINO's telemetry forks a child that calls an analytics host; without the module there is none.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        model_folder,
        device="cpu",
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True, "dtype": torch.float32},
    ).eval()

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            output = self.model({"input_ids": input_ids, "attention_mask": attention_mask})
            return torch.nn.functional.normalize(output["sentence_embedding"], dim=-1)

    example = torch.ones((2, 8), dtype=torch.long)
    with torch.no_grad():
        network = openvino.convert_model(Network(), example_input={"input_ids": example, "attention_mask": example})
    openvino.save_model(network, target, compress_to_fp16=False)


if __name__ == "__main__":
    convert(*sys.argv[1:])
    # Tearing torch down takes over a second, and everything is written.
    os._exit(0)
