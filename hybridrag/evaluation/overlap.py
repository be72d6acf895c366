"""How far two modes of a run find the same documents, whatever the judgements say."""

from __future__ import annotations

from dataclasses import dataclass

from hybridrag.evaluation.runs import KEPT, Run


@dataclass(frozen=True, slots=True)
class Overlap:
    """Shares from 0 to 1: of the first ten documents those that both found, in the mean over all questions; and of the
    questions those with the same document in the first place."""

    at_10: float
    same_first: float

    @staticmethod
    def of(run: Run, before: str, after: str) -> Overlap:
        """Where neither mode found anything for a question, they agree."""
        pairs = [(run.modes[before][key].found[:KEPT], run.modes[after][key].found[:KEPT]) for key in run.texts]
        shared = [len({*first} & {*second}) / max(len(first), len(second), 1) for first, second in pairs]
        shared = [1.0 if not (first or second) else share for share, (first, second) in zip(shared, pairs, strict=True)]
        same = sum(first[:1] == second[:1] for first, second in pairs)
        return Overlap(sum(shared) / len(pairs), same / len(pairs))
