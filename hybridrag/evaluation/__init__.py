"""Retrieval quality: datasets with judgements, metrics that agree with trec_eval, and runs that are compared."""

from hybridrag.evaluation.comparison import Changed, Comparison, compare_runs
from hybridrag.evaluation.datasets import Dataset, is_beir, load_beir, missing
from hybridrag.evaluation.exact import dense_ndcg
from hybridrag.evaluation.intervals import Difference, mean_interval, paired_difference
from hybridrag.evaluation.metrics import MAIN, mean_ndcg, measured, ndcg
from hybridrag.evaluation.questions import Questions, load_questions
from hybridrag.evaluation.runs import Outcome, Run, Summary, load_run, run_json, run_of

__all__ = [
    "MAIN",
    "Changed",
    "Comparison",
    "Dataset",
    "Difference",
    "Outcome",
    "Questions",
    "Run",
    "Summary",
    "compare_runs",
    "dense_ndcg",
    "is_beir",
    "load_beir",
    "load_questions",
    "load_run",
    "mean_interval",
    "mean_ndcg",
    "measured",
    "missing",
    "ndcg",
    "paired_difference",
    "run_json",
    "run_of",
]
