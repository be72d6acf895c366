"""What a way of running a model costs on this machine.

Each way has a process of its own, which obeys one line at a time: its memory and its start are its own, and several can
be measured in turns.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from hybridrag.errors import ModelError
from hybridrag.models.network import can_convert
from hybridrag.models.openvino_runtime import cpu_format
from hybridrag.models.runtime import Precision
from hybridrag.models.spec import Arithmetic, ModelSpec

if TYPE_CHECKING:
    from hybridrag.types import Vectors

Kind = Literal["auto", "openvino", "torch", "static", "sentence-transformers"]
Part = Literal["texts", "corpus", "questions"]
"""What of a job is embedded. Questions get the model's query prompt, the others its document prompt."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of running a model. `sentence-transformers` is its own `encode` with nothing but the model's prompt."""

    name: str
    kind: Kind
    precision: Precision = "auto"
    arithmetic: Arithmetic = "reference"


DEFAULT = Way("sentence-transformers", "sentence-transformers")
"""What a user would do without us."""
REFERENCE = Way("sentence-transformers float32", "sentence-transformers", precision="float32")
"""What vectors are compared with."""
AUTOMATIC = Way("auto", "auto")
"""What `ingest` and `search` do."""


@dataclass(frozen=True, slots=True)
class Job:
    """A model and texts for it. `model` is its name or folder, which must be on this machine."""

    model: str
    cache: Path
    dimensions: int
    texts: Sequence[str]
    corpus: Sequence[str] = ()
    questions: Sequence[str] = ()
    trusted: Sequence[str] = ()
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class Facts:
    """How a way runs. `load_ms` is the time from the model's name to the first vector of a query, in a process that has
    imported numpy, which took `numpy_ms`.
    """

    device: str
    format: str
    numpy_ms: float
    load_ms: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Peaks in bytes: of the process, and of the tensors on a GPU (0 without one)."""

    process: int
    device: int


def ways(spec: ModelSpec) -> list[Way]:
    """Every way in which this machine can run a model, sentence-transformers' own first."""
    reference = [DEFAULT] if can_convert() and spec.modules else []
    if spec.is_static:
        return [*reference, Way("static", "static")]
    found = [Way("torch", "torch")] if can_convert() and spec.modules else []
    if importlib.util.find_spec("openvino") and (can_convert() or spec.graph is not None):
        fastest = cpu_format(spec, "auto")
        found.append(Way(f"openvino {fastest}", "openvino"))
        if fastest != "float32":
            found.append(Way("openvino float32", "openvino", precision="float32"))
        found.append(Way("openvino int8", "openvino", arithmetic="int8"))
    return [*reference, *found]


def free_memory() -> int:
    """Bytes of memory that new processes can have."""
    with contextlib.suppress(OSError):
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def write_job(job: Job, folder: Path) -> Path:
    """The job as a file that probes read. `folder` is theirs from now on."""
    facts = {name: value for name, value in asdict(job).items() if name not in {"texts", "corpus", "questions"}}
    texts = {"texts": [*job.texts], "corpus": [*job.corpus], "questions": [*job.questions]}
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    file = folder / "job.json"
    file.write_text(json.dumps({**facts, "cache": str(job.cache)}), encoding="utf-8")
    return file


class Probe:
    """A process that runs a model in one way. Starts at once; the first vector of a query has been computed then.

    `cold_seconds` is the time from its start to that vector. Raises ModelError, from every method, where the way fails.
    """

    def __init__(self, job: Path, way: Way) -> None:
        self.way = way
        self._folder = job.parent
        self._errors = job.with_name(f"errors-{way.name.replace(' ', '-')}")
        started = time.perf_counter()
        with self._errors.open("wb") as errors:
            # `-P` keeps the working folder off the module path. A session of its own, so that all that it starts ends
            # with it, and an interrupt reaches it through us alone.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "hybridrag.models.measure_worker", str(job), json.dumps(asdict(way))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **_ENVIRONMENT},
                start_new_session=True,
            )
        try:
            answer = self._answer()
        except BaseException:
            self.close()
            raise
        self.cold_seconds = time.perf_counter() - started
        self.facts = Facts(**answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def seconds(self, part: Part, *, first: int) -> float:
        """Seconds that the first so many texts of a part take."""
        return float(self._ask({"do": "embed", "part": part, "first": first})["seconds"])

    def vectors(self, part: Part, *, first: int | None = None) -> Vectors:
        """The vectors of a part's first texts, None for all: shape `(n, dimensions)`."""
        import numpy as np

        file = self._folder / "vectors.npy"
        self._ask({"do": "embed", "part": part, "first": first, "keep": str(file)})
        vectors: Vectors = np.load(file)
        file.unlink()
        return vectors

    def query_ms(self, *, times: int) -> list[float]:
        """Milliseconds that one query takes in a process that is warm, so many times."""
        return [float(ms) for ms in self._ask({"do": "query", "times": times})["ms"]]

    def memory(self) -> Memory:
        """The peaks until now."""
        return Memory(**self._ask({"do": "memory"}))

    def close(self) -> None:
        """Ends the process and all that it started."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _ask(self, request: Mapping[str, object]) -> Any:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._ended()
        answer = json.loads(line)
        if "error" in answer:
            raise ModelError(answer["error"], hint=answer["hint"])
        return answer

    def _ended(self) -> ModelError:
        code = self._process.wait()
        lines = self._errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit {code}"
        last = f": {lines[-1][:200]}" if lines else ""
        return ModelError(f"{self.way.name} {how}{last}", hint="is there memory enough?" if code == -9 else "")


_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "PYTHONWARNINGS": "ignore",
}
"""Added to what the process inherits: every model is a local folder by now."""
