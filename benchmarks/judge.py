"""What the local judge of answers is worth, beside exact match, token F1 and cosine.

    python benchmarks/judge.py --data FOLDER [--paraphrases FILE] [--model NAME] [--fit] [--json FILE]

FOLDER holds BEIR sets whose queries.jsonl has an `answer`: claude_docs (long answers), xquad/en and xquad/de (short
ones). Each question gives right answers and wrong ones:

    restated      the expected answer, sentences in another order, with a sentence of another subject before it
    paraphrase    the same in other words, from FILE (JSONL: `_id` of claude_docs, `text`)
    sentence      the sentence of the document that holds a short answer
    other         the nearest expected answer of a question that other documents answer
    number        a right answer with one number changed
    name          a right answer with one name taken from another answer
    negated       a right answer with one sentence turned to its opposite
    beside        the sentence of the same document that is nearest to the question and does not hold the short answer

Halves are made by the question's id. Weights and thresholds, those of the measures beside it too, are set on one half
(`--fit` prints the weights); all figures are of the other half.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybridrag.answering.sentences import sentence_spans
from hybridrag.config import load
from hybridrag.evaluation import load_beir
from hybridrag.evaluation.judge import CORRECT, Judge
from hybridrag.evaluation.statements import tokens
from hybridrag.wiring import Wiring

Embed = Callable[[Sequence[str]], Any]
RIGHT = ("restated", "paraphrase", "sentence")
SHORT_EACH = 250
"""Questions of a set with short answers: the long ones are few."""


@dataclass(frozen=True, slots=True)
class Case:
    """One answer to judge. `development` tells which half it belongs to."""

    set: str
    kind: str
    question: str
    expected: str
    answer: str
    development: bool

    @property
    def right(self) -> bool:
        return self.kind in RIGHT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the sets")
    parser.add_argument("--paraphrases", type=Path, help="JSONL: _id, text")
    parser.add_argument("--model", help="the embedding model (default: the usual one)")
    parser.add_argument("--fit", action="store_true", help="print weights set on the development half, and use them")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    embed = embedding(options.model)
    cases = [*long_cases(options.data / "claude_docs", options.paraphrases, embed)]
    for name in ("xquad/en", "xquad/de"):
        cases += short_cases(options.data / name, name, embed)
    result: dict[str, Any] = {}
    judge = Judge(embed)
    if options.fit:
        weights = fitted(judge, [case for case in cases if case.development])
        judge, result["weights"] = Judge(embed, weights=weights), weights
    result |= measured(judge, cases, embed)
    result["without vectors"] = measured(Judge(None), cases, None)["judge"]
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def embedding(model: str | None) -> Embed:
    home = tempfile.mkdtemp(prefix="hybridrag-benchmark-")
    environ = dict(os.environ) | {"HYBRIDRAG_HOME": home} | ({"HYBRIDRAG_EMBEDDER": model} if model else {})
    wiring = Wiring(
        load(environ=environ, cwd=Path(home)), notify=lambda text: print(text, file=sys.stderr), environ=environ
    )
    embedder = wiring.models.embedder(wiring.models.chosen())
    known: dict[str, Any] = {}

    def embed(texts: Sequence[str]) -> Any:
        if new := [text for text in dict.fromkeys(texts) if text not in known]:
            known.update(zip(new, embedder.embed_documents(new), strict=True))
        return np.array([known[text] for text in texts])

    return embed


# --- the cases -------------------------------------------------------------------------------------------------------


def long_cases(folder: Path, paraphrases: Path | None, embed: Embed) -> list[Case]:
    rows = [row for row in read(folder / "queries.jsonl") if str(row.get("answer", "")).strip()]
    words = {row["_id"]: row["text"] for row in read(paraphrases)} if paraphrases else {}
    answers = [row["answer"] for row in rows]
    qrels = load_beir(folder).qrels
    nearest = nearest_others(answers, [set(qrels[row["_id"]]) for row in rows], embed)
    cases = []
    for number, row in enumerate(rows):
        chance = random.Random(row["_id"])
        other = answers[nearest[number]]
        right = [
            ("restated", restated(row["answer"], chance.choice([a for a in answers if a != row["answer"]]), chance))
        ]
        if row["_id"] in words:
            right.append(("paraphrase", words[row["_id"]]))
        made = [*right, ("other", other)]
        for _, text in [("", row["answer"]), *right[1:]]:
            made += corrupted(text, row["text"], other, chance)
        cases += [
            Case("claude_docs", kind, row["text"], row["answer"], text, development(row["_id"])) for kind, text in made
        ]
    return cases


def short_cases(folder: Path, name: str, embed: Embed) -> list[Case]:
    dataset = load_beir(folder)
    texts = {key: text for key, _, text in dataset.documents()}
    rows = [row for row in read(folder / "queries.jsonl") if row["_id"] in dataset.qrels]
    cases = []
    for row in rows[:: max(1, len(rows) // SHORT_EACH)]:
        chance = random.Random(row["_id"])
        text = next((t for t in map(texts.get, dataset.qrels[row["_id"]]) if t and row["answer"] in t), None)
        if text is None:
            continue
        parts = sentences(text)
        holding = [part for part in parts if row["answer"] in part]
        beside = [part for part in parts if row["answer"].casefold() not in part.casefold()]
        made = [("sentence", part) for part in holding[:1]]
        if beside:
            vectors = embed([row["text"], *beside])
            made.append(("beside", beside[int((vectors[1:] @ vectors[0]).argmax())]))
        for part in holding[:1]:
            made += [
                (kind, changed)
                for kind, changed in corrupted(part, row["text"], " ".join(beside), chance)
                if row["answer"] not in changed
            ]
        cases += [Case(name, kind, row["text"], row["answer"], made_, development(row["_id"])) for kind, made_ in made]
    return cases


def restated(answer: str, other: str, chance: random.Random) -> str:
    parts = sentences(answer)
    chance.shuffle(parts)
    return " ".join([sentences(other)[0], *parts])


def corrupted(text: str, question: str, other: str, chance: random.Random) -> list[tuple[str, str]]:
    """The text with a number changed, a name changed, a sentence negated: those of them that can be made."""
    made = []
    numbers = [m for m in re.finditer(r"\d+", text) if m[0] not in question]
    if numbers:
        one = chance.choice(numbers)
        made.append(("number", text[: one.start()] + str(int(one[0]) + chance.randint(1, 9)) + text[one.end() :]))
    names = [m for m in re.finditer(r"(?<=[a-z,] )[A-Z]\w{2,}", text) if m[0] not in question]
    strangers = [m for m in re.findall(r"(?<=[a-z,] )[A-Z]\w{2,}", other) if m not in text and m not in question]
    if names and strangers:
        one = chance.choice(names)
        made.append(("name", text[: one.start()] + chance.choice(strangers) + text[one.end() :]))
    verbs = list(re.finditer(r"\b(?:is|are|was|were|can|will|should|has|ist|sind|war|kann|wird)\b", text))
    if verbs:
        verb = verbs[0]
        word = "nicht" if verb[0] in {"ist", "sind", "war", "kann", "wird"} else "not"
        made.append(("negated", f"{text[: verb.end()]} {word}{text[verb.end() :]}"))
    return made


def nearest_others(answers: Sequence[str], documents: Sequence[set[str]], embed: Embed) -> list[int]:
    """For each answer the nearest one to a question that no document of its own answers: some are asked twice."""
    vectors = embed(answers)
    cosines = vectors @ vectors.T
    for one, first in enumerate(documents):
        for two, second in enumerate(documents):
            if first & second:
                cosines[one, two] = -1
    return [int(row.argmax()) for row in cosines]


def development(key: str) -> bool:
    return hashlib.sha256(key.encode()).digest()[0] % 2 == 0


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def read(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


# --- the figures -----------------------------------------------------------------------------------------------------


def fitted(judge: Judge, cases: Sequence[Case]) -> dict[str, float]:
    """Weights by logistic regression with a little L2, every kind of answer weighing the same.

    On long answers only, since brief ones are not weighed, and without those that a rule decides or is to decide.
    """
    told = [(case, judge.signs(case.question, sentences(case.expected), sentences(case.answer))) for case in cases]
    kept = [(c, s) for c, s in told if not (s.brief or s.capped) and c.kind in {"paraphrase", "other"}]
    names = list(kept[0][1].as_features())
    x = np.array([[signs.as_features()[name] for name in names] for _, signs in kept])
    y = np.array([float(case.right) for case, _ in kept])
    kinds = [case.right for case, _ in kept]
    weight = np.array([1 / kinds.count(kind) for kind in kinds])
    weight /= weight.sum()
    w = np.zeros(len(names))
    for _ in range(20000):
        p = 1 / (1 + np.exp(-x @ w))
        w -= 2.0 * (x.T @ (weight * (p - y)) + 0.002 * w)
    return {name: round(float(value), 2) for name, value in zip(names, w, strict=True)}


def token_f1(expected: str, answer: str) -> float:
    """F1 over words, as SQuAD counts it: the same whichever of both is expected. 1 for two texts without words."""
    wanted, given = Counter(tokens(expected)), Counter(tokens(answer))
    if not wanted or not given:
        return float(wanted == given)
    return 2 * (wanted & given).total() / (wanted.total() + given.total())


def measured(judge: Judge, cases: Sequence[Case], embed: Embed | None) -> dict[str, Any]:
    def cosine(case: Case) -> float:
        assert embed is not None
        one, two = embed([case.expected, case.answer])
        return float(one @ two)

    measures: dict[str, Callable[[Case], float]] = {
        "judge": lambda c: judge.judge(c.question, sentences(c.expected), sentences(c.answer)).score,
        "token F1": lambda c: token_f1(c.expected, c.answer),
        "exact match": lambda c: float(token_f1(c.expected, c.answer) == 1),
    }
    if embed is not None:
        measures["cosine"] = cosine
    return {
        name: figures(cases, [measure(case) for case in cases], CORRECT if name == "judge" else None)
        for name, measure in measures.items()
    }


def figures(cases: Sequence[Case], scores: Sequence[float], own_cut: float | None) -> dict[str, Any]:
    """By set, on the held-out half: ROC area, the share judged as it is, also by kind. Thresholds are of the other."""
    pairs = list(zip(cases, scores, strict=True))
    held = [(case, score) for case, score in pairs if not case.development]
    found: dict[str, Any] = {}
    for name in dict.fromkeys(case.set for case in cases):
        own = [(case, score) for case, score in held if case.set == name]
        cut = own_cut or best_cut([(c.right, score) for c, score in pairs if c.development and c.set == name])
        found[name] = {
            "threshold": round(cut, 3),
            "answers": len(own),
            "roc_area": area([s for c, s in own if c.right], [s for c, s in own if not c.right]),
            "agreement": share([(score >= cut) == case.right for case, score in own]),
            "by kind": {
                kind: share([(score >= cut) == case.right for case, score in own if case.kind == kind])
                for kind in dict.fromkeys(case.kind for case, _ in own)
            },
        }
    return found


def best_cut(pairs: Sequence[tuple[bool, float]]) -> float:
    """The threshold with the best mean of the shares of right and of wrong answers that it judges so."""
    right, wrong = [s for r, s in pairs if r], [s for r, s in pairs if not r]
    cuts = sorted(set(right) | set(wrong))
    return max(
        cuts, key=lambda cut: sum(s >= cut for s in right) / len(right) + sum(s < cut for s in wrong) / len(wrong)
    )


def area(right: Sequence[float], wrong: Sequence[float]) -> float | None:
    if not right or not wrong:
        return None
    above = sum((r > w) + 0.5 * (r == w) for r in right for w in wrong)
    return round(above / (len(right) * len(wrong)), 3)


def share(told: Sequence[bool]) -> float | None:
    return round(sum(told) / len(told), 3) if told else None


if __name__ == "__main__":
    main()
