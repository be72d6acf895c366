"""What a model of the catalogue will cost here, guessed from its size and from models that were measured here.

A token costs a multiplication and an addition for each weight but those of the token table, of which it reads one row
(Kaplan et al. 2020, arXiv:2001.08361, table 1). Large networks use a processor better than small ones, so that a guess
from a smaller model errs on the slow side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hybridrag.errors import ModelError
from hybridrag.models.catalogue import Entry
from hybridrag.models.spec import ModelSpec
from hybridrag.models.tensors import tensors

_VOCABULARIES = {
    "bert": 30_522,
    "gemma3_text": 262_144,
    "gte": 250_048,
    "mistral": 32_000,
    "modernbert": 50_368,
    "mpnet": 30_527,
    "new": 30_528,
    "nomic_bert": 30_528,
    "qwen2": 151_936,
    "qwen3": 151_669,
    "xlm-roberta": 250_002,
}
"""Rows of the token table by architecture, from the models' config.json files."""
_MANY_LANGUAGES = 250_000
"""Rows where a model of one of these architectures speaks more than one language: XLM-RoBERTa's vocabulary."""
_LEAST_COMPUTE = 0.02
"""The share of a network that at least is no token table."""
_OVERHEAD = 300_000_000
_BYTES = 5.5
"""Of a process with the libraries, and for each parameter. Measured: 260, 500, 780 and 2,140 MB for 23, 33, 109 and 335
million of them (OpenVINO in bfloat16, which keeps the float32 weights too)."""
_STATIC_OVERHEAD = 60_000_000
_STATIC_BYTES = 4
_STATIC_TOKENS_PER_SECOND = 250_000
_STATIC_QUERY_MS = 0.1
"""What tokenising allows on two cores, where nothing else is known."""
_PER_CORE = 60e9
"""Multiplications a second and core, where nothing was measured: half of what this program was developed on has."""
_QUERY_TOKENS = 30
"""A query takes as long as so many tokens of a long run: it is short, and computed alone."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second of a long run, milliseconds of a single query in a process that is warm."""

    tokens_per_second: float
    query_ms: float


@dataclass(frozen=True, slots=True)
class Cost:
    """`compute` is the multiplications that a token takes, 0 for a token table; the others are bytes."""

    compute: float
    memory: int
    disk: int


def cost(entry: Entry) -> Cost:
    """What a model takes wherever it runs, about."""
    # The large ones are published in two bytes a parameter.
    disk = entry.parameters * (4 if entry.parameters < 500_000_000 else 2)
    static = entry.architecture == "static"
    base, each = (_STATIC_OVERHEAD, _STATIC_BYTES) if static else (_OVERHEAD, _BYTES)
    return Cost(compute(entry), int(base + each * entry.parameters), disk)


def compute(entry: Entry) -> float:
    """Multiplications that a token takes; 0 for a token table."""
    if entry.architecture == "static":
        return 0.0
    rows = _VOCABULARIES.get(entry.architecture, 0)
    if len(entry.languages) > 5 and rows < _MANY_LANGUAGES and entry.architecture in {"bert", "nomic_bert", "new"}:
        rows = _MANY_LANGUAGES
    return max(entry.parameters - rows * entry.dimensions, entry.parameters * _LEAST_COMPUTE)


def compute_of(spec: ModelSpec) -> float:
    """The same from a model's own weights, whatever it is. Raises ModelError where they cannot be read."""
    if spec.is_static:
        return 0.0
    try:
        matrices = [tensor for file in spec.path.rglob("*.safetensors") for tensor in tensors(file)]
    except (OSError, ValueError) as exc:
        raise ModelError(f"the weights in {spec.path} cannot be read", hint="fetch the model again") from exc
    # Every family calls its token table an embedding.
    return float(sum(math.prod(t.shape) for t in matrices if len(t.shape) == 2 and "embed" not in t.name))


def guessed_speed(wanted: float, measured: Sequence[tuple[float, Speed]], *, cores: int) -> Speed:
    """The speed of a model whose token takes `wanted` multiplications, from models measured here with theirs.

    The measured one whose compute is nearest tells; where none is a network, an assumption about processors does.
    """
    if wanted == 0:
        tables = [speed for own, speed in measured if own == 0]
        return tables[0] if tables else Speed(_STATIC_TOKENS_PER_SECOND, _STATIC_QUERY_MS)
    networks = [(own, speed) for own, speed in measured if own > 0]
    if not networks:
        rate = _PER_CORE * cores / wanted
        return Speed(rate, _QUERY_TOKENS / rate * 1000)
    own, speed = min(networks, key=lambda known: (abs(math.log(known[0] / wanted)), known[0]))
    return Speed(speed.tokens_per_second * own / wanted, speed.query_ms * wanted / own)
