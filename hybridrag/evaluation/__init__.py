"""Retrieval quality: datasets with judgements, and metrics that agree with trec_eval."""

from hybridrag.evaluation.datasets import Dataset, load_beir
from hybridrag.evaluation.exact import dense_ndcg
from hybridrag.evaluation.intervals import mean_interval
from hybridrag.evaluation.metrics import mean_ndcg, ndcg
from hybridrag.evaluation.questions import Questions, load_questions

__all__ = ["Dataset", "Questions", "dense_ndcg", "load_beir", "load_questions", "mean_interval", "mean_ndcg", "ndcg"]
