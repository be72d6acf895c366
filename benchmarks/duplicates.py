"""Text that every page of a site repeats: what it does to an index, indexed everywhere and once; and duplicates told.

    python benchmarks/duplicates.py BEIR_FOLDER [--pages 1000] [--unasked]

Makes a site of the documents of a dataset: each page has the same header, menu and footer. Ingests the pages as they
are in the dataset (`bare`), with what is repeated indexed `everywhere`, and `once`; asks the dataset's questions of
each, unless `--unasked`. Then it ingests again with nothing changed, and tells the duplicates of the site. What `once`
takes beside `bare` (seconds, tokens embedded, chunks removed) is what a first ingest makes twice.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HEADER = (
    "Example Institute of Science - Reviews of Claims | Home | Topics | Authors | Methods | Contact | Search this site"
)
MENU = "\n".join(f"- [{name}](/{number})" for number, name in enumerate(
    ("Immunity and vaccines", "Cancer and its treatment", "Genes, cells and proteins", "Heart and circulation",
     "Brain and nerves", "Infections", "Nutrition and metabolism", "How reviews of evidence are made")
))  # fmt: skip
FOOTER = (
    "The Institute reviews the evidence for claims about health, cells, genes and treatment. Nothing on this page is "
    "advice for patients; ask your doctor before you change a treatment, a dose or a diet.",
    "Example Institute of Science. All rights reserved. Privacy, terms of use, imprint, accessibility, newsletter.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--unasked", action="store_true")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
    environment = {**os.environ, "HYBRIDRAG_HOME": str(work / "home")}

    def run(*arguments: str, boilerplate: str = "once") -> dict[str, Any]:
        command = [sys.executable, "-m", "hybridrag", *arguments, "--json"]
        env = {**environment, "HYBRIDRAG_BOILERPLATE": boilerplate}
        done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True, cwd=work)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    figures: dict[str, Any] = {"pages": options.pages}
    try:
        for name in ("bare", "everywhere", "once"):
            folder = _dataset(options.dataset, work / name, options.pages, site=name != "bare")
            choice = "once" if name == "once" else "everywhere"
            pages = str(folder / "corpus.jsonl")
            told = run("ingest", pages, "-c", name, boilerplate=choice)
            figures[name] = {key: told[key] for key in ("chunks", "boilerplate", "tokens_embedded", "seconds")}
            if not options.unasked:
                found = run("eval", "run", str(folder), "-c", name, boilerplate=choice)
                modes = found["modes"].items()
                figures[name]["ndcg@10"] = {mode: round(values["ndcg@10"], 4) for mode, values in modes}
        started = time.perf_counter()
        again = run("ingest", str(work / "once" / "corpus.jsonl"), "-c", "once")
        assert again["chunks"]["added"] == 0, again
        figures["again_seconds"] = round(time.perf_counter() - started, 2)
        started = time.perf_counter()
        figures["duplicates"] = run("documents", "duplicates", "-c", "once")["total"]
        figures["duplicates_seconds"] = round(time.perf_counter() - started, 2)
    finally:
        subprocess.run([sys.executable, "-m", "hybridrag", "db", "stop"], env=environment, check=False)
        shutil.rmtree(work, ignore_errors=True)
    print(json.dumps(figures, indent=2))


def _dataset(given: Path, folder: Path, pages: int, *, site: bool) -> Path:
    """So many documents of a dataset, those first that answer its questions, with its questions and judgements."""
    folder.mkdir()
    judgements = next(file for file in (given / "qrels.tsv", given / "qrels" / "test.tsv") if file.exists())
    shutil.copy(judgements, folder / "qrels.tsv")
    shutil.copy(given / "queries.jsonl", folder / "queries.jsonl")
    relevant = {line.split("\t")[1] for line in judgements.read_text().splitlines()[1:]}
    records = [json.loads(line) for line in (given / "corpus.jsonl").read_text().splitlines()]
    chosen = sorted(records, key=lambda record: record["_id"] not in relevant)[:pages]
    with (folder / "corpus.jsonl").open("w") as file:
        for record in chosen:
            text = "\n\n".join([HEADER, MENU, record["text"], *FOOTER]) if site else record["text"]
            file.write(json.dumps({**record, "text": text}) + "\n")
    return folder


if __name__ == "__main__":
    main()
