"""`hybridrag eval run --answers`: what is asked of whom, and how the answers are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hybridrag.cli.console import one_line
from hybridrag.errors import BelowBaseline, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrag.cli.session import Session
    from hybridrag.evaluation.answers import Answers, Change
    from hybridrag.flows.evaluate import Asked
    from hybridrag.types import Destination


def check_options(*, answers: bool, provider: str | None, llm: str | None) -> None:
    """Raises UsageError where a provider is named and nothing is to be asked of it."""
    if provider is not None and not answers:
        raise UsageError("--provider answers the questions, and no answers are asked for", hint="add --answers")
    if llm is not None and provider is None:
        raise UsageError("--llm names the model of a provider, and none is chosen", hint="add --provider NAME")


def announce(session: Session, asked: Asked, *, limit: int | None, destination: Destination | None) -> None:
    """Says what will be sent, and to whom, before it is."""
    if destination is not None:
        number = min(len(asked.questions.texts), limit or len(asked.questions.texts))
        session.notice(
            f"sending {number:,} requests to {destination.provider} ({destination.model}), each with the passages of "
            "its question, redacted"
        )


def changes_json(changes: Iterable[Change], *, max_drop: float) -> list[dict[str, Any]]:
    """What became of each guarded metric since the baseline."""
    from hybridrag.evaluation.runs import difference_json

    return [
        {
            "metric": one.metric,
            "before": round(one.before, 5),
            "after": round(one.after, 5),
            "fell": one.falls(max_drop),
            **difference_json(one.difference),
        }
        for one in changes
    ]


def below_baseline(change: Change, max_drop: float) -> BelowBaseline:
    """What a run ends with whose answers fell."""
    from hybridrag.evaluation.answer_report import sentence

    return BelowBaseline(
        f"the answers fell below their baseline by more than {max_drop:g}: {sentence(change)}",
        hint="--report FILE.html lists the answers, the worst first",
    )


def rows_with_answers(rows: Sequence[dict[str, Any]], answers: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of questions, each with its answer; questions of which no retrieval was measured come last."""
    by_id = {row["id"]: row for row in answers["questions"]}
    known = {row["id"] for row in rows}
    kept = [{**row, "answer": by_id[row["id"]]} if row["id"] in by_id else row for row in rows]
    alone = [
        {
            "id": key,
            "question": row["question"],
            "relevant": dict.fromkeys(row["sources"], 1),
            "modes": {},
            "answer": row,
        }
        for key, row in by_id.items()
        if key not in known
    ]
    return kept + alone


def show(console: Console, answers: Answers, changes: Sequence[Change]) -> None:
    """The figures of answers, for people."""
    from rich.table import Table

    from hybridrag.evaluation.answer_report import TITLES, sentence, told
    from hybridrag.evaluation.comparison import short

    who = f"{answers.provider} ({answers.model})" if answers.mode == "provider" else "sentences of the documents"
    console.print(f"answers to {len(answers.by_question):,} questions by {one_line(who)}")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, title in enumerate(("answers", "mean", "95% interval", "questions")):
        table.add_column(title, justify="right" if number else "left")
    for name, value in answers.means.items():
        low, high = answers.intervals[name]
        table.add_row(TITLES[name], short(value), f"{short(low)}-{short(high)}", f"{answers.counts[name]:,}")
    console.print(table)
    for line in (*told(answers), *map(sentence, changes)):
        console.print(one_line(line))
