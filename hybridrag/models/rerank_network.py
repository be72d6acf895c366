"""A reranker as an OpenVINO network, made once and kept: token ids, mask and types of pairs in, scores out.

It comes from the graph that the reranker's folder ships, or else from its weights, converted in a child process that
needs torch (`network.py`, `rerank_convert.py`).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from hybridrag.models.fingerprint import file_hash
from hybridrag.models.network import converted, keep
from hybridrag.models.own_code import code_files
from hybridrag.models.rerank_pairs import PairTokenizer
from hybridrag.models.rerank_spec import RerankerSpec

_FORM = "1"
"""Changes whenever the same model is converted in another way, so that what was kept before is not used."""


def reranker_network(spec: RerankerSpec, *, cache: Path, tokenizer: PairTokenizer | None = None) -> Path:
    """The XML file of the reranker's network, made now if it is not kept. Raises ModelError where that fails.

    `tokenizer` is the reranker's, where it was read already.
    """
    network = reranker_place(spec, cache)
    if network.is_file():
        return network
    if spec.graph is not None:
        from hybridrag.models.graph import scoring_network
        from hybridrag.models.openvino_library import import_openvino

        made = scoring_network(spec.graph)
        return keep(network, lambda draft: import_openvino().save_model(made, str(draft), compress_to_fp16=False))
    options = ["--reranker", str(spec.window)]
    if spec.template is not None:
        options += ["--answers", *map(str, (tokenizer or PairTokenizer(spec)).answers())]
    if spec.trusted:
        options.append("--trusted")
    return converted(network, name=spec.name, folder=spec.path, options=options)


def is_reranker_kept(spec: RerankerSpec, *, cache: Path) -> bool:
    """Whether the reranker's network was made on this machine."""
    return reranker_place(spec, cache).is_file()


def reranker_place(spec: RerankerSpec, cache: Path) -> Path:
    """Where the reranker's network is kept: its XML file, there or not. Named by all that decides a score."""
    graph = [] if spec.graph is None else sorted(spec.graph.parent.glob(f"{spec.graph.stem}*"))
    files = [
        *sorted(spec.path.glob("*.safetensors")),
        *graph,
        spec.path / "config.json",
        spec.path / "tokenizer.json",
        *(code_files(spec.path) if spec.trusted else []),
    ]
    facts = {
        "files": [file_hash(file, cache=cache) for file in files if file.is_file()],
        "graph": None if spec.graph is None else spec.graph.name,
        "template": None if spec.template is None else [spec.template.relevant, spec.template.irrelevant],
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return cache / "openvino" / f"rerank-{digest[:32]}-{_FORM}" / "model.xml"
