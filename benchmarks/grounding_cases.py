"""Sentences that passages bear out, and spoilt ones that they do not: made from question sets."""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.answering.dates import dates_of
from hybridrag.answering.sentences import sentence_spans
from hybridrag.types import DocumentRef, Label, Passage, StoredChunk

if TYPE_CHECKING:
    from hybridrag.types import Vectors

DISTRACTORS = 5
"""Wrong passages beside the right ones: those nearest to the question by vectors."""


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence with markers, some true claim or one spoilt in the way of its `kind`; the right ones are `gold`."""

    kind: str
    dataset: str
    document: str
    question: str
    sentence: str
    passages: tuple[Passage, ...]
    markers: tuple[int, ...]
    gold: tuple[int, ...]
    true: bool


def cases_of(folder: Path, name: str, embed: Callable[[Sequence[str]], Vectors], *, most: int) -> Iterator[Case]:
    """Cases of one BEIR set whose queries have answers; at most `most` questions, evenly spread."""
    texts = {row["_id"]: row for row in _rows(folder / "corpus.jsonl")}
    ids = list(texts)
    vectors = embed([texts[key]["text"] for key in ids])
    gold: dict[str, list[str]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(float(score)) > 0:
            gold.setdefault(query, []).append(document)
    queries = [row for row in _rows(folder / "queries.jsonl") if row.get("answer") and row["_id"] in gold]
    named = _names_of(folder)
    for row in queries[:: -(-len(queries) // most)]:
        right = gold[row["_id"]]
        order = (vectors @ embed([row["text"]])[0]).argsort()[::-1].tolist()
        wrong = [ids[place] for place in order if ids[place] not in right][:DISTRACTORS]
        passages = tuple(_passage(n, texts[key]) for n, key in enumerate((*right, *wrong), start=1))
        markers = tuple(range(1, len(right) + 1))
        document = right[0].split("#")[0].rsplit("-", 1)[0] if "://" not in right[0] else right[0].split("#")[0]
        yield from _of_question(row, name, document, passages, markers, named)


def _of_question(
    row: dict[str, str],
    name: str,
    document: str,
    passages: tuple[Passage, ...],
    gold: tuple[int, ...],
    named: Callable[[str], bool],
) -> Iterator[Case]:
    rng = random.Random(f"{name}/{row['_id']}")
    right, wrong = passages[: len(gold)], passages[len(gold) :]

    def case(kind: str, sentence: str, *, true: bool, markers: tuple[int, ...] = gold, asked: bool = True) -> Case:
        return Case(kind, name, document, row["text"] if asked else "", sentence, passages, markers, gold, true)

    verbatim = [s for passage in right for s in sentences(passage.text) if 40 <= len(s) <= 400 or not s.isascii()]
    copied = rng.choice(verbatim) if verbatim else ""
    paraphrased = list(_statements(row, name))
    others = [s for passage in wrong for s in sentences(passage.text) if 30 <= len(s) <= 200]
    claims = [("answer" if "claude" in name else "statement", claim) for claim in paraphrased]
    if copied:
        claims.append(("verbatim", copied))
        if reworded(copied) != copied:
            claims.append(("reworded", reworded(copied)))
    for kind, claim in claims:
        yield case(kind, claim, true=True)
        yield case(f"unrelated {kind}", claim, true=False, markers=tuple(p.marker for p in wrong[:2]))
        yield case(f"false marker, {kind}", claim, true=True, markers=(*gold, wrong[0].marker))
        for fault, spoilt in _faults(claim, [p.text for p in right], [p.text for p in wrong], others, rng, named):
            yield case(fault, spoilt, true=False)


def _statements(row: dict[str, str], name: str) -> Iterator[str]:
    if "claude" in name:
        yield from (s for s in sentences(row["answer"]) if len(s) > 20)
        return
    question = re.sub(r"\s*[?？]\s*$", "", row["text"])
    asked = _ASKED[name[-2:]]
    said, swapped = asked.subn(lambda _: row["answer"], question, count=1)
    if swapped:
        yield said + ("。" if name.endswith("zh") else ".")


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text) if not text[start:end].startswith(("#", "|", "```"))]


def reworded(sentence: str) -> str:
    """Other words and another order: phrases for phrases, and an opening clause moved to the end."""
    for old, new in _REWORDED:
        sentence = re.sub(rf"\b{old}\b", new, sentence)
    if moved := re.fullmatch(
        r"((?:In|On|For|To|When|If|After|Before|During|With|By)\b[^,]{3,80}), (\w)([^.]*)\.", sentence
    ):
        sentence = f"{moved[2].upper()}{moved[3]} {moved[1][0].lower()}{moved[1][1:]}."
    return re.sub(r" \([^()]{1,60}\)", "", sentence)


def _faults(
    claim: str,
    right: Sequence[str],
    wrong: Sequence[str],
    others: Sequence[str],
    rng: random.Random,
    named: Callable[[str], bool],
) -> Iterator[tuple[str, str]]:
    """Each way to spoil a claim that it offers a place for, with the spoilt claim."""
    evidence = "\n".join(right)
    dates = [d for d in dates_of(claim) if any(year or day for year, _, day in d.readings)]
    spans = [(d.start, d.end) for d in dates]
    numbers = [m for m in _NUMBER.finditer(claim) if not any(s <= m.start() < e for s, e in spans)]
    numbers = [m for m in numbers if not re.fullmatch(r"\d+\.\s.*", claim[m.start() :]) or m.start()]
    if numbers:
        match = rng.choice(numbers)
        value = int(match[0])
        fresh = [n for n in (value + 1, value + 7, value * 3 + 1, value * 10 + 3) if str(n) not in evidence]
        if fresh:
            yield "number", _put(claim, match.start(), match.end(), str(rng.choice(fresh)))
    if dates:
        date = rng.choice(dates)
        written = claim[date.start : date.end]
        for part in re.findall(r"\d+", written)[-1:]:
            other = str(int(part) + (3 if len(part) == 4 else 2))
            if other not in evidence:
                yield "date", _put(claim, date.start, date.end, written.replace(part, other))
    names = [m for m in _NAME.finditer(claim) if named(m[0])]
    if names:
        match = rng.choice(names)
        fresh_names = [m[0] for text in wrong for m in _NAME.finditer(text) if named(m[0])]
        fresh_names = [n for n in fresh_names if not set(n.split()) & set(evidence.split())]
        if fresh_names:
            yield "name", _put(claim, match.start(), match.end(), rng.choice(fresh_names))
    for pattern, spoilt in _DENIED:
        if pattern.search(claim):
            yield "negation", pattern.sub(spoilt, claim, count=1)
            break
    swaps = [
        (m, b) for a, b in _OPPOSITE for m in re.finditer(rf"\b{a}\b", claim) if not re.search(rf"\b{b}\b", evidence)
    ]
    if swaps:
        match, other = rng.choice(swaps)
        yield "antonym", _put(claim, match.start(), match.end(), other)
    units = [
        (m, b) for a, b in _UNITS for m in re.finditer(rf"(?<=\d )\b{a}\b|(?<=\d){a}(?!\w)", claim) if b not in evidence
    ]
    if units:
        match, other = rng.choice(units)
        yield "unit", _put(claim, match.start(), match.end(), other)
    if others:
        joined = {"。": "，而且"}.get(claim[-1], " and ")
        tail = rng.choice(others)
        yield "clause", claim.rstrip(".。") + joined + tail


def _names_of(folder: Path) -> Callable[[str], bool]:
    """Whether all words of a capitalised phrase are names. In a German set: those that its English sister has too."""
    sister = folder.parent / "en" / "corpus.jsonl"
    english = folder.name != "de" or not sister.exists()
    text = "\n".join(row["text"] for row in _rows(folder / "corpus.jsonl" if english else sister))
    words = set(re.findall(r"[^\W\d_]+", text))
    return lambda phrase: all(w in words and w.casefold() not in words and w not in _OPENERS for w in phrase.split())


def _put(text: str, start: int, end: int, other: str) -> str:
    return text[:start] + other + text[end:]


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _passage(marker: int, row: dict[str, str]) -> Passage:
    key, text, title = row["_id"], row["text"], row.get("title", "").replace("_", " ")
    document = DocumentRef(
        id=uuid.uuid5(uuid.NAMESPACE_URL, key),
        source="benchmark",
        path=re.sub(r"\W+", "-", key),
        title=title,
        media_type="text/plain",
        label=Label.PUBLIC,
        external_id=None,
        metadata={},
    )
    chunk = StoredChunk(document.id, document, 0, 0, len(text), text, (title,), None, len(text) // 4)
    return Passage(marker, chunk, text)


_NUMBER = re.compile(r"(?<![\w.,:/-])\d{1,6}(?![\w.,:/-]*\d|[A-Za-z])")
_NAME = re.compile(r"\b[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})+\b|\b[A-Z][a-z]{3,}\b")
_OPENERS = {
    "The",
    "This",
    "When",
    "With",
    "For",
    "You",
    "Using",
    "How",
    "Die",
    "Der",
    "Das",
    "Ein",
    "Eine",
    "In",
    "Text",
}
_ASKED = {
    "en": re.compile(r"\b(?:How many|How much|How long|How old|In (?:what|which) \w+|(?:What|Which) (?:year|city|"
                     r"country|"
                     r"company|team|day|type of \w+|\w+)(?= (?:did|was|is|were|does|do|has|had)\b)|Who|What|Where|When|"
                     r"Which)\b",
                     re.IGNORECASE),
    "de": re.compile(r"\b(?:Wie viele?|In welche\w+ \w+|Welche[rsnm]? \w+|Wer|Wen|Wem|Was|Wo|Wann|Wie)\b",
                     re.IGNORECASE),
    "zh": re.compile(r"什么时候|什么|多少|哪(?:个|一|些|里|位)?|谁|何时"),
}  # fmt: skip
_REWORDED = (
    ("use", "make use of"), ("uses", "makes use of"), ("can", "is able to"), ("must", "has to"),
    ("many", "a number of"),
    ("because", "since"), ("also", "in addition"), ("began", "started"), ("large", "big"), ("became", "turned into"),
    ("show", "display"), ("help", "assist"), ("provides", "offers"), ("allows", "lets"), ("such as", "like"),
    ("however", "though"), ("about", "roughly"), ("often", "frequently"), ("important", "significant"),
    ("several", "a few"), ("located", "situated"), ("known as", "called"), ("due to", "because of"), ("main", "chief"),
    ("durch", "mithilfe von"), ("viele", "zahlreiche"), ("begann", "fing an"), ("jedoch", "aber"), ("groß", "riesig"),
    ("weil", "da"), ("auch", "ebenfalls"), ("wurde", "ist"), ("大约", "约"), ("但是", "然而"), ("因为", "由于"),
)  # fmt: skip
_DENIED = (
    (re.compile(r"\b(is|are|was|were|can|will|should|must|has|have|may|could)\b(?! not|n't)"), r"\1 not"),
    (re.compile(r"\b(ist|sind|wird|werden|war|waren|hat|haben|kann|können|wurde|wurden)\b(?! nicht)"), r"\1 nicht"),
    (re.compile(r"(?<![不还就但])(是|能|会|可以)"), r"不\1"),
)
_OPPOSITE = tuple(
    pair
    for one, other in (
        ("before", "after"), ("increase", "decrease"), ("increased", "decreased"), ("minimum", "maximum"),
        ("more", "less"), ("largest", "smallest"), ("first", "last"), ("higher", "lower"), ("allowed", "forbidden"),
        ("always", "never"), ("north", "south"), ("eastern", "western"), ("required", "optional"), ("most", "least"),
        ("winning", "losing"), ("early", "late"), ("public", "private"), ("add", "remove"), ("enable", "disable"),
        ("best", "worst"), ("faster", "slower"), ("improve", "worsen"), ("success", "failure"), ("rich", "poor"),
        ("support", "oppose"), ("above", "below"), ("older", "younger"), ("northern", "southern"), ("vor", "nach"),
        ("größte", "kleinste"), ("mehr", "weniger"), ("erste", "letzte"), ("über", "unter"), ("hohe", "niedrige"),
    )
    for pair in ((one, other), (other, one))
)  # fmt: skip
_UNITS = (
    ("days", "weeks"), ("years", "months"), ("minutes", "hours"), ("seconds", "minutes"), ("hours", "days"),
    ("million", "billion"), ("billion", "million"), ("miles", "feet"), ("km", "m"), ("percent", "dollars"),
    ("kilometers", "miles"), ("MB", "GB"), ("%", " dollars"), ("tokens", "dollars"), ("Jahre", "Monate"),
    ("Jahren", "Monaten"), ("Millionen", "Milliarden"), ("Prozent", "Euro"), ("Tage", "Wochen"), ("months", "years"),
)  # fmt: skip
