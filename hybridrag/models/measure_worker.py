"""The process of a `Probe`: loads a model in one way, then answers each JSON line with one.

python -m hybridrag.models.measure_worker JOB WAY
"""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from hybridrag.errors import HybridragError, ModelError
from hybridrag.models import find_model, open_embedder, torch_model
from hybridrag.models.measure import Way
from hybridrag.models.openvino_runtime import OpenVinoEmbedder, cpu_format
from hybridrag.models.runtime import Runtime
from hybridrag.models.spec import ModelSpec
from hybridrag.models.static_runtime import StaticEmbedder
from hybridrag.models.torch_runtime import TorchEmbedder

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

_QUERY = "what is this about?"


def main(arguments: list[str]) -> int:
    """Returns the process's exit code."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    requests: SimpleQueue[str] = SimpleQueue()
    Thread(target=_listen, args=[requests], daemon=True).start()
    try:
        work = _Work(Path(arguments[0]), Way(**json.loads(arguments[1])))
        say(work.start())
        while True:
            say(work.obey(json.loads(requests.get())))
    except HybridragError as exc:
        say({"error": exc.message, "hint": exc.hint})
        return 1


def _listen(requests: SimpleQueue[str]) -> None:
    """Hands the lines of stdin on. At its end nobody waits for us any more, however that came about, also while a model
    still loads: we end, and all that we started."""
    for line in sys.stdin:
        requests.put(line)
    os.killpg(0, signal.SIGKILL)


class _Work:
    """A job, and one way of doing it."""

    def __init__(self, job: Path, way: Way) -> None:
        self._facts = json.loads(job.read_text(encoding="utf-8"))
        self._texts_file = job.with_name("texts.json")
        self._way = way

    def start(self) -> dict[str, Any]:
        """Loads the model, computes a first vector, and tells what `Facts` holds."""
        numpy_ms = _ms(lambda: importlib.import_module("numpy"))
        load_ms = _ms(self._first_vector)
        return {
            "device": self._running.device,
            "format": self._running.format,
            "numpy_ms": numpy_ms,
            "load_ms": load_ms,
        }

    def obey(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "memory":
            return {"process": _peak_memory(), "device": _peak_device_memory()}
        if request["do"] == "query":
            return {"ms": [_ms(lambda: self._running.embed_query(_QUERY)) for _ in range(request["times"])]}
        texts = self._texts[request["part"]][: request["first"]]
        found: list[Vectors] = []
        milliseconds = _ms(lambda: found.append(self._embed(request["part"], texts)))
        if "keep" in request:
            import numpy as np

            np.save(request["keep"], found[0])
        return {"seconds": milliseconds / 1000}

    def _first_vector(self) -> None:
        self._running.load()
        self._running.embed_query(_QUERY)

    def _embed(self, part: str, texts: list[str]) -> Vectors:
        if part != "questions":
            return self._running.embed_documents(texts)
        import numpy as np

        return np.array([self._running.embed_query(text) for text in texts], dtype=np.float32)

    @cached_property
    def _running(self) -> _Running:
        spec = find_model(self._facts["model"], offline=True, trusted=self._facts["trusted"])
        spec = replace(spec, dimensions=self._facts["dimensions"], arithmetic=self._way.arithmetic)
        if self._way.kind == "sentence-transformers":
            return _SentenceTransformers(spec, self._way)
        return _Ours(spec, self._way, cache=Path(self._facts["cache"]), device=self._facts["device"])

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        texts: dict[str, list[str]] = json.loads(self._texts_file.read_text(encoding="utf-8"))
        return texts


class _Ours:
    """A model as `ingest` and `search` run it, or with one of their runtimes."""

    def __init__(self, spec: ModelSpec, way: Way, *, cache: Path, device: str) -> None:
        self._runtime: Runtime
        if way.kind == "openvino":
            self._runtime = OpenVinoEmbedder(spec, cache=cache, precision=way.precision)
        elif way.kind == "torch":
            self._runtime = TorchEmbedder(spec, cache=cache, device=device, precision=way.precision)
        elif way.kind == "static":
            self._runtime = StaticEmbedder(spec, cache=cache)
        else:
            self._runtime = open_embedder(spec, cache=cache, device=device, precision=way.precision)
        self.load = self._runtime.load
        self.embed_documents = self._runtime.embed_documents
        self.embed_query = self._runtime.embed_query

    @property
    def device(self) -> str:
        return self._runtime.device

    @property
    def format(self) -> str:
        runtime, spec = self._runtime, self._runtime.spec
        if spec.arithmetic == "int8":
            return "int8"
        if runtime.runtime == "openvino":
            return cpu_format(runtime.spec, runtime.precision)
        if runtime.runtime == "torch":
            return torch_model.number_format(
                runtime.device,
                precision=runtime.precision,
                tolerated=spec.entry.formats if spec.entry else None,
                able=torch_model.fast_formats(runtime.device),
            )
        return "float32"


class _SentenceTransformers:
    """A model as users of sentence-transformers call it: its own device, number format and batches."""

    def __init__(self, spec: ModelSpec, way: Way) -> None:
        self._spec = spec
        self._way = way

    def load(self) -> None:
        _ = self._model

    @property
    def device(self) -> str:
        return str(self._model.device.type)

    @property
    def format(self) -> str:
        return next((str(weights.dtype).removeprefix("torch.") for weights in self._model.parameters()), "float32")

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self._encode(list(texts), self._spec.document_prompt)

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self._encode([text], self._spec.query_prompt)[0]
        return vector

    def _encode(self, texts: list[str], prompt: str) -> Vectors:
        import numpy as np

        found = self._model.encode(texts, prompt=prompt or None, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(found, dtype=np.float32)

    @cached_property
    def _model(self) -> Any:
        spec, precision = self._spec, self._way.precision
        from sentence_transformers import SentenceTransformer

        try:
            model = SentenceTransformer(
                str(spec.path),
                trust_remote_code=spec.trusted,
                local_files_only=True,
                truncate_dim=spec.dimensions if spec.dimensions < spec.full_dimensions else None,
                model_kwargs={} if precision == "auto" else {"dtype": precision},
            )
        except Exception as exc:  # whatever the model's files make the libraries raise
            raise ModelError(f"it cannot load this model ({type(exc).__name__}: {str(exc)[:200]})") from exc
        if isinstance(model.max_seq_length, int):
            model.max_seq_length = min(model.max_seq_length, spec.window)
        return model


_Running = _Ours | _SentenceTransformers


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _peak_memory() -> int:
    """The most memory in bytes that this process had at once.

    Linux' own counter, since `getrusage` counts in what the parent had before it started this program.
    """
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _peak_device_memory() -> int:
    torch = sys.modules.get("torch")
    return int(torch.cuda.max_memory_allocated()) if torch is not None and torch.cuda.is_available() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
