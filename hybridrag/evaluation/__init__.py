"""Retrieval quality: datasets with judgements, and metrics that agree with trec_eval."""

from hybridrag.evaluation.datasets import Dataset, load_beir
from hybridrag.evaluation.metrics import mean_ndcg, ndcg

__all__ = ["Dataset", "load_beir", "mean_ndcg", "ndcg"]
