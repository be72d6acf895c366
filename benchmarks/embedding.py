"""What embedding costs, in every way that this machine has, side by side with sentence-transformers as users call it.

    python benchmarks/embedding.py FOLDER [--embedder NAME|FOLDER] [--chunks N] [--seconds S] [--starts N]
        [--scifact BEIR_FOLDER] [--plot FILE.png]

FOLDER holds real text, which is chunked as ingest does. It is `hybridrag models bench` with more texts and starts, and
with `--scifact` whole documents, each one vector cut at the window, so that nDCG@10 compares with published figures.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from hybridrag.cli.models_bench import bench_json, draw
from hybridrag.config import load
from hybridrag.evaluation import load_beir
from hybridrag.evaluation.plots import check_plot
from hybridrag.flows.bench import bench, job_of
from hybridrag.flows.figures import BenchOptions
from hybridrag.flows.sample import Asked
from hybridrag.wiring import Wiring


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--chunks", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=60.0, help="what a turn of the slowest way may take")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--scifact", type=Path, help="a BEIR folder: nDCG@10 of whole documents")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    if options.plot:
        check_plot(options.plot)

    with tempfile.TemporaryDirectory(prefix="hybridrag-benchmark-") as home:
        settings = load(flags={"embedder": options.embedder}, environ={"HYBRIDRAG_HOME": home}, cwd=Path(home))
        ground = Wiring(settings, notify=tell).ground(text=options.folder, questions=None)
        spec = ground.spec(options.embedder)
        origin, texts = ground.sample(spec, most=options.chunks)
        asked = whole_documents(options.scifact) if options.scifact else None
        found = bench(
            job_of(spec, settings, texts, asked),
            spec,
            asked=asked,
            options=BenchOptions(seconds=options.seconds, starts=options.starts),
            tell=tell,
        )
        if options.plot:
            draw(options.plot, [found], cache=settings.paths.cache)
    print(json.dumps(bench_json(Path(origin).name, [found]), indent=2))


def whole_documents(folder: Path) -> Asked:
    """A dataset's documents, each a single text, with all its questions."""
    dataset = load_beir(folder)
    ids, texts = dataset.whole()
    return Asked(texts, ids, dataset.questions, given=len(dataset.queries))


def tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
