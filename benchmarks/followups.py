"""Follow-up questions: how often the passage is found for the question alone, after the last one, and rewritten.

    python benchmarks/followups.py xquad/en xquad/de --data FOLDER [--half dev|held-out|both] [--each N] [--json FILE]

Each set is a BEIR folder whose passages carry the title of their article. It is ingested into a home of its own, which
is removed afterwards. Conversations are made of its questions, by rules and without chance:

    pronoun   the name that a question shares with one before it on the same article becomes a pronoun
    dropped   it is left out, and the question begins with `And`
    chain     a third question, of which that is done too, after a follow-up
    switch    a question of another article, as it stands
    goes on   another question of the same article, as it stands

`follow-ups` is the mean of the first three, `mixture` that of `follow-ups` and `switch`. Articles belong to one half by
a hash of their title's place: rules and constants were set on `dev`.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from hybridrag.answering.followups import leans, standalone
from hybridrag.answering.sentences import sentence_spans
from hybridrag.config import load
from hybridrag.flows.ingest import IngestOptions
from hybridrag.flows.progress import Silent
from hybridrag.flows.selection import SourceOptions
from hybridrag.types import Label, Query, Turn
from hybridrag.wiring import Wiring

SETS = ("xquad/en", "xquad/de")
DEPTHS = (1, 5)
WAYS: dict[str, Callable[[str, Sequence[Turn]], str]] = {
    "alone": lambda question, _: question,
    "after the last": lambda question, turns: f"{turns[-1].question} {question}",
    "rewritten": standalone,
}
FOLLOW_UPS = ("pronoun", "dropped", "chain")
_AND = {"en": "And", "de": "Und"}
_COMMON = 0.02
"""Words in more than this share of a set's questions are no topic."""


@dataclass(frozen=True, slots=True)
class Asked:
    key: str
    text: str
    passage: str
    answer: str


@dataclass(frozen=True, slots=True)
class Case:
    """A question after others; `passage` is the right one."""

    kind: str
    before: tuple[Asked, ...]
    shown: tuple[str, ...]
    question: str
    passage: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the sets")
    parser.add_argument("--half", choices=("dev", "held-out", "both"), default="both")
    parser.add_argument("--each", type=int, default=120, help="at most so many conversations of a kind and half")
    parser.add_argument("--show", type=int, default=0, help="also print so many rewritten questions of each kind")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    halves = ("dev", "held-out") if options.half == "both" else (options.half,)
    result = {name: of_one_set(options.data / name, halves, options.each, options.show) for name in options.sets}
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def of_one_set(folder: Path, halves: Sequence[str], each: int, show: int) -> dict[str, Any]:
    """By half and way: recall at 1 and 5 passages by kind of conversation."""
    home = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
    try:
        settings = load(flags={"collection": "benchmark"}, environ={"HYBRIDRAG_HOME": str(home)}, cwd=home)
        wiring = Wiring(settings, notify=lambda text: print(text, file=sys.stderr))
        try:
            wiring.ingesting.ingest(
                [str(folder / "corpus.jsonl")],
                source_options=SourceOptions(),
                options=IngestOptions(),
                progress=Silent(),
                stdin=io.BytesIO(),
                stdin_name=None,
            )
            return {half: of_cases(wiring, some(cases(folder, half), each), show) for half in halves}
        finally:
            wiring.store.close()
            if wiring.server is not None:
                wiring.server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def of_cases(wiring: Wiring, conversations: Sequence[Case], show: int) -> dict[str, Any]:
    ranks: dict[str, dict[str, list[int]]] = {way: defaultdict(list) for way in WAYS}
    leaning: dict[str, list[bool]] = defaultdict(list)
    for case in conversations:
        leaning[case.kind].append(leans(case.question))
        for way, rewrite in WAYS.items():
            query = rewrite(case.question, turns_of(case, rewrite))
            if way == "rewritten" and len(leaning[case.kind]) <= show:
                print(f"{case.kind:8} {case.shown[-1]} | {case.question} -> {query}", file=sys.stderr)
            ranks[way][case.kind].append(rank(wiring, query, case.passage))
    result: dict[str, Any] = {"leans": {kind: round(statistics.mean(found), 3) for kind, found in leaning.items()}}
    for way, by_kind in ranks.items():
        result[way] = {f"recall@{depth}": recalls(by_kind, depth) for depth in DEPTHS}
    return {"conversations": {kind: len(found) for kind, found in leaning.items()}, **result}


def recalls(by_kind: dict[str, list[int]], depth: int) -> dict[str, float]:
    of = {kind: statistics.mean(rank <= depth for rank in found) for kind, found in by_kind.items()}
    of["follow-ups"] = statistics.mean(of[kind] for kind in FOLLOW_UPS)
    of["mixture"] = (of["follow-ups"] + of["switch"]) / 2
    return {kind: round(share, 3) for kind, share in of.items()}


def rank(wiring: Wiring, query: str, passage: str) -> int:
    hits = wiring.search(Query(query, k=max(DEPTHS), unit="document")).hits
    return next((hit.rank for hit in hits if hit.chunk.document.external_id == passage), max(DEPTHS) + 1)


def turns_of(case: Case, rewrite: Callable[[str, Sequence[Turn]], str]) -> list[Turn]:
    """The turns before, as a chat holds them: each with what was searched for it."""
    turns: list[Turn] = []
    for asked, shown in zip(case.before, case.shown, strict=True):
        query = rewrite(shown, turns) if turns else shown
        turns.append(Turn(shown, query, asked.answer, Label.INTERNAL))
    return turns


# --- conversations ---------------------------------------------------------------------------------------------------


def cases(folder: Path, half: str) -> Iterator[Case]:
    """Every conversation that the rules make of a half of the articles."""
    language = folder.name
    topics, common = read(folder)
    names = [name for number, name in enumerate(sorted(topics)) if (number % 2 == 0) == (half == "dev")]
    for at, name in enumerate(names):
        asked = topics[name]
        for number, (first, second) in enumerate(pairwise(asked)):
            yield Case("goes on", (first,), (first.text,), second.text, second.passage)
            other = topics[names[(at + 1 + number) % len(names)]] if len(names) > 1 else []
            if other and other is not asked:
                new = other[number % len(other)]
                yield Case("switch", (first,), (first.text,), new.text, new.passage)
        yield from follow_ups(asked, common, language)


def follow_ups(asked: Sequence[Asked], common: frozenset[str], language: str) -> Iterator[Case]:
    for number, first in enumerate(asked):
        later = [(each, run) for each in asked[number + 1 :] if (run := shared(first.text, each.text, common))]
        for second, run in later[:2]:
            pronoun = pointing(second.text, run, number, language)
            yield Case("pronoun", (first,), (first.text,), pronoun, second.passage)
            yield Case("dropped", (first,), (first.text,), dropping(second.text, run, language), second.passage)
            third = next(((each, cut) for each, cut in later if each.key > second.key), None)
            if third is not None:
                last, cut = third
                question = pointing(last.text, cut, number, language)
                yield Case("chain", (first, second), (first.text, pronoun), question, last.passage)


def shared(first: str, second: str, common: frozenset[str]) -> tuple[int, int] | None:
    """The first name in `second`, whole, whose words all stand in `first`."""
    held = set(tokens(first))
    for match in re.finditer(r"\b[A-ZÄÖÜ]\w*(?:\s[A-ZÄÖÜ\d]\w*)*", second):
        name = match[0].split()
        if match.start() == 0 or not all(word[0].isupper() or word[0].isdigit() for word in name):
            continue
        if all(word.casefold() in held for word in name) and any(topical(word, common) for word in name):
            before = second[: match.start()].rstrip()
            if not re.search(r"[-–/&\"„“]\Z", before) and not re.match(r"[-–/&\w]", second[match.end() :]):
                return match.span()
    return None


def pointing(text: str, run: tuple[int, int], number: int, language: str) -> str:
    """The question with a pronoun in place of a name: one that owns, stands after a preposition, or acts."""
    before, after = text[: run[0]], text[run[1] :]
    owning = re.match(r"['’]s?(?=\s)", after) if language == "en" else None
    before, article = without_article(before)
    if language == "de":
        contracted = re.search(r"\b(?:in|im|an|am|auf|für|mit|von|vom|zu|zum|zur|bei|beim|nach|durch)\s\Z", before)
        if contracted:
            short = contracted[0].strip().lower()
            stem = {"im": "in", "am": "an", "vom": "von", "zum": "zu", "zur": "zu", "beim": "bei"}.get(short, short)
            word = f"da{'r' if stem[0] in 'aeiou' else ''}{stem}"
            return f"{before[: contracted.start()]}{word}{after}"
        if article in ("des", "der"):
            return f"{before}{('dessen', 'deren')[number % 2]}{after}"
        return f"{before}{('er', 'sie', 'ihn', 'es')[number % 4]}{after}"
    if owning is not None:
        return f"{before}{('its', 'their', 'his')[number % 3]}{after[owning.end() :]}"
    if re.search(r"\b(?:of|in|on|at|for|with|from|to|by|about)\s\Z", before):
        return f"{before}{('it', 'them', 'him')[number % 3]}{after}"
    return f"{before}{('it', 'they', 'he')[number % 3]}{after}"


def dropping(text: str, run: tuple[int, int], language: str) -> str:
    """The question without a name, and without the preposition before it."""
    before, _ = without_article(text[: run[0]])
    before = re.sub(
        r"\b(?:of|in|on|at|for|with|from|to|by|im|an|am|auf|für|mit|von|vom|zu|zum|zur|bei|beim)\s\Z", "", before
    )
    after = re.sub(r"\A['’]s?(?=\s)", "", text[run[1] :])
    rest = f"{before[:1].lower()}{before[1:].rstrip()} {after.lstrip()}".replace(" ?", "?")
    return f"{_AND[language]} {rest}"


def without_article(before: str) -> tuple[str, str]:
    match = re.search(
        r"\b(the|a|an|der|die|das|den|dem|des|ein|eine|einen|einem|einer|eines)\s\Z", before, re.IGNORECASE
    )
    return (before[: match.start()], match[1].lower()) if match else (before, "")


def topical(word: str, common: frozenset[str]) -> bool:
    return len(word) > 2 and word.casefold() not in common


def read(folder: Path) -> tuple[dict[str, list[Asked]], frozenset[str]]:
    """The questions of each article, by passage; and the words that are common in questions."""
    corpus = rows(folder / "corpus.jsonl")
    passages = {row["_id"]: row for row in corpus}
    with (folder / "qrels.tsv").open(encoding="utf-8") as file:
        judged = dict(line.split("\t")[:2] for line in file.read().splitlines()[1:])
    queries = rows(folder / "queries.jsonl")
    counts: dict[str, int] = defaultdict(int)
    for row in queries:
        for word in set(tokens(row["text"])):
            counts[word] += 1
    topics: dict[str, list[Asked]] = defaultdict(list)
    for row in queries:
        passage = passages[judged[row["_id"]]]
        start = row["answer_start"]
        sentence = next(
            (passage["text"][a:b] for a, b in sentence_spans(passage["text"]) if a <= start < b), row["answer"]
        )
        topics[passage["_id"].split("-")[0]].append(Asked(row["_id"], row["text"], passage["_id"], sentence))
    return topics, frozenset(word for word, count in counts.items() if count > _COMMON * len(queries))


def some(conversations: Iterator[Case], each: int) -> list[Case]:
    """At most `each` of a kind, evenly spread."""
    by_kind: dict[str, list[Case]] = defaultdict(list)
    for case in conversations:
        by_kind[case.kind].append(case)
    return [case for found in by_kind.values() for case in found[:: max(1, len(found) // each)][:each]]


def rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


if __name__ == "__main__":
    main()
