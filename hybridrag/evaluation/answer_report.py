"""The part of a run's page that tells of its answers."""

from __future__ import annotations

from collections.abc import Iterable

from hybridrag.evaluation.answers import Answered, Answers, Change
from hybridrag.evaluation.comparison import short, signed
from hybridrag.evaluation.report import safe, table
from hybridrag.money import dollars

TITLES = {
    "correctness": "correctness",
    "citation_precision": "citation precision",
    "citation_recall": "citation recall",
    "source@3": "expected source in 3 citations",
    "grounded": "every sentence supported",
    "declined": "unanswerable, declined",
    "declined_in_vain": "answerable, declined in vain",
}
"""What people read for each metric."""
_MOST_QUESTIONS = 2000
_MOST_TEXT = 1500
"""Characters of an answer that the page shows."""


def answers_section(answers: Answers, held: Iterable[Change] = ()) -> Iterable[str]:
    """The parts of the page: figures with intervals, what else is to be told, and the questions, worst first."""
    yield "<h2>Answers, with 95% intervals</h2>"
    rows = []
    for name, value in answers.means.items():
        low, high = answers.intervals[name]
        rows.append([TITLES[name], short(value), f"{short(low)} - {short(high)}", f"{answers.counts[name]:,}"])
    yield table(["", "mean", "interval", "questions"], rows)
    yield from (f"<p>{safe(line)}</p>" for line in (*told(answers), *map(sentence, held)))
    yield _questions(answers)


def told(answers: Answers) -> Iterable[str]:
    """What the figures leave out, in sentences."""
    verdicts = ", ".join(f"{number:,} {verdict}" for verdict, number in answers.verdicts.items() if number)
    if verdicts:
        yield f"judged by {answers.judge}: {verdicts}"
    milliseconds = answers.latency
    if "p50_ms" in milliseconds:
        line = f"p50 {milliseconds['p50_ms']:,.0f} ms, p95 {milliseconds['p95_ms']:,.0f} ms"
        if "first_token_p50_ms" in milliseconds:
            first = milliseconds["first_token_p50_ms"], milliseconds["first_token_p95_ms"]
            line += f"; to the first token p50 {first[0]:,.0f} ms, p95 {first[1]:,.0f} ms"
        yield line
    if (spent := answers.spent) is not None:
        cost = "of unknown price" if spent.cost_usd is None else f"for {dollars(spent.cost_usd)}"
        yield f"{spent.prompt_tokens:,} tokens sent and {spent.completion_tokens:,} received, {cost}"
    if cut := sum(not one.complete for one in answers.by_question.values()):
        yield f"{cut} answers were ended early by the provider"
    if answers.failed:
        yield f"{len(answers.failed)} questions got no answer (the first: {next(iter(answers.failed.values()))})"
    if answers.stopped:
        yield answers.stopped


def sentence(change: Change) -> str:
    """A change against the baseline, for people."""
    one = change.difference
    word = "fell" if change.falls(0.0) else "is no worse" if one.told else "shows no difference that can be told"
    return (
        f"{TITLES[change.metric]} {word}: {short(change.before)} before, {short(change.after)} now, "
        f"{signed(one.mean)} [{signed(one.low)}, {signed(one.high)}], p = {one.p:.2g}, {one.questions} questions"
    )


def _questions(answers: Answers) -> str:
    worst = sorted(answers.by_question.values(), key=_worth)[:_MOST_QUESTIONS]
    rows = []
    for one in worst:
        came = one.failure or one.answer
        text = [f"<b>{safe(one.question)}</b>", safe(came[:_MOST_TEXT] + (" …" if len(came) > _MOST_TEXT else ""))]
        if one.expected is not None:
            text.append(f"<small>expected: {safe(one.expected[:_MOST_TEXT])}</small>")
        cited = ", ".join(dict.fromkeys(one.cited)) or "nothing"
        text.append(f"<small>sources: {safe(', '.join(one.sources) or 'none')}; cited: {safe(cited)}</small>")
        rows.append(["<br>".join(text), *_verdict(one)])
    part = f", the worst {len(rows):,}" if len(rows) < len(answers.by_question) else ""
    return f"<h2>Answers, worst first{part}</h2>" + table(["question and answer", "verdict", "score"], rows)


def _verdict(one: Answered) -> tuple[str, str]:
    """The verdict with its reason, and the score."""
    if one.failure:
        return "failed", ""
    if not one.sources or one.judgement is None:
        return ("declined" if one.declined else "answered"), ""
    reason = f"<br><small>{safe(one.judgement.reason)}</small>" if not one.declined else ""
    return f"{one.verdict}{reason}", short(one.judgement.score)


def _worth(one: Answered) -> float:
    """What the questions are ordered by: failures first, then what is wrong."""
    values = one.values
    if not values:
        return -1.0
    return values.get("declined", values.get("correctness", values.get("source@3", 0.0)))
