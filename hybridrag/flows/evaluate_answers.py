"""Evaluate answers: each question is asked as `ask` does, and what comes is judged beside what was expected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.answering.sentences import sentence_spans
from hybridrag.errors import BlockedByPolicy, BudgetSpent, HybridragError, ProviderError, RefusedForSafety
from hybridrag.evaluation import Questions
from hybridrag.evaluation.answers import Answered, Answers, Spent
from hybridrag.evaluation.judge import Judge
from hybridrag.flows.evaluate import Asked, Asking
from hybridrag.flows.judged import judged
from hybridrag.types import Answer, Collection, Query

if TYPE_CHECKING:
    from hybridrag.store import PostgresStore
    from hybridrag.types import Destination, DocumentRef

FAILURES_IN_A_ROW = 3
"""Questions without an answer after which no more are asked: what is wrong then is hardly the question."""
_OF_ONE_QUESTION = (ProviderError, BlockedByPolicy, RefusedForSafety)
"""Errors that another question may not have."""


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """`filter` as a person wrote it; `limit` keeps the first questions; `k` passages are found, as `ask` does."""

    filter: str = ""
    limit: int | None = None
    k: int = 8
    rerank: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answers, and the error that ended the run before all questions were asked."""

    answers: Answers
    stopped_by: HybridragError | None = None


def evaluate_answers(
    store: PostgresStore,
    collection: Collection,
    asked: Asked,
    *,
    ask: Callable[[Query], Answer],
    judge: Judge,
    judge_name: str,
    destination: Destination | None,
    options: AnswerOptions,
    asking: Asking,
    notify: Callable[[str], None],
) -> Outcome:
    """Asks every question once and judges the answers. `destination` is where `ask` sends requests, None for nowhere.

    An error of the provider counts as no answer to that question; after several in a row, or with the budget spent, no
    more are asked. Raises what `ask` raised where no question at all was answered, and any other error at once.
    """
    found = judged(
        store, collection, asked.questions, own_ids=asked.corpus is not None, expression=options.filter
    ).first(options.limit)
    questions = found.questions
    done: dict[str, Answered] = {}
    stopped_by: HybridragError | None = None
    asking.begin(len(questions.texts))
    try:
        for key, text in questions.texts.items():
            sources = tuple(name for name, grade in questions.qrels[key].items() if grade > 0)
            query = Query(text, k=options.k, filter=found.filter, rerank=options.rerank, unit="passage")
            try:
                answer = ask(query)
            except BudgetSpent as exc:
                stopped_by = exc
                break
            except _OF_ONE_QUESTION as exc:
                done[key] = Answered(text, sources, questions.answers.get(key), failure=exc.message)
                asking.advance()
                if all(one.failure for one in [*done.values()][-FAILURES_IN_A_ROW:]) and len(done) >= FAILURES_IN_A_ROW:
                    stopped_by = exc
                    break
                continue
            done[key] = _judged(answer, sources, questions.answers.get(key), judge=judge, name=found.name)
            asking.advance()
    except KeyboardInterrupt:
        spent = _answers(asked, options, done, destination, judge_name).spent
        tokens = f", for {spent.prompt_tokens + spent.completion_tokens:,} tokens" if spent else ""
        notify(f"{len(done)} of {len(questions.texts)} questions were asked{tokens}; nothing of them is kept")
        raise
    if stopped_by is not None and all(one.failure for one in done.values()):
        raise stopped_by
    left = len(questions.texts) - len(done)
    return Outcome(
        _answers(
            asked,
            options,
            done,
            destination,
            judge_name,
            stopped=f"{left} questions were not asked: {stopped_by.message}" if stopped_by else "",
            notes=_notes(questions, found.notes, asked.notes),
        ),
        stopped_by,
    )


def _judged(
    answer: Answer,
    sources: tuple[str, ...],
    expected: str | None,
    *,
    judge: Judge,
    name: Callable[[DocumentRef], str],
) -> Answered:
    """What came of one question. Who declines says nothing that could be right or wrong: the score is 0."""
    given = [] if answer.abstained else [sentence.text for sentence in answer.sentences] or _sentences(answer.text)
    judgement = None
    if expected is not None and sources:
        judgement = judge.judge(answer.question, _sentences(expected), given)
    spent = None
    if answer.usage is not None:
        spent = Spent(answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.cost_usd)
    return Answered(
        question=answer.question,
        sources=sources,
        expected=expected,
        answer=answer.text,
        declined=answer.abstained,
        complete=answer.complete,
        cited=() if answer.abstained else tuple(name(citation.chunk.document) for citation in answer.citations),
        supported=answer.grounded,
        judgement=judgement,
        spent=spent,
        ms=answer.timings_ms.get("total", 0.0),
        first_token_ms=answer.timings_ms.get("first_token") or None,
    )


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def _answers(
    asked: Asked,
    options: AnswerOptions,
    done: Mapping[str, Answered],
    destination: Destination | None,
    judge_name: str,
    *,
    stopped: str = "",
    notes: tuple[str, ...] = (),
) -> Answers:
    return Answers(
        mode="provider" if destination else "extractive",
        provider=destination.provider if destination else None,
        model=destination.model if destination else None,
        judge=judge_name,
        asked=_fingerprint(asked.questions, options),
        by_question=done,
        stopped=stopped,
        notes=notes,
    )


def _notes(questions: Questions, *told: tuple[str, ...]) -> tuple[str, ...]:
    notes = [note for notes in told for note in notes]
    answerable = questions.answerable
    if without := len(answerable.texts) - len(answerable.answers):
        notes.append(f"{without} questions have no expected answer: whether theirs are correct is not measured")
    return tuple(dict.fromkeys(notes))


def _fingerprint(questions: Questions, options: AnswerOptions) -> str:
    """A hash of what is asked and expected, as the files say it."""
    rows = [
        [text, sorted(questions.qrels[key].items()), questions.answers.get(key)]
        for key, text in questions.texts.items()
    ]
    whole = json.dumps([rows, options.filter.strip(), options.limit], ensure_ascii=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:32]
