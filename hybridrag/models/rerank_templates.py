"""How language models are asked whether a text answers a question, and which two words they answer with.

The words of each template are its model's own, to the letter: blanks and line ends count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """Pieces of a request, each cut into tokens by itself, as the model's own code does it.

    `pair` holds `{question}` and `{passage}`, the passage at its very end; only it is shortened. The score is the
    logit of `relevant` over that of `irrelevant` as the next token.
    """

    before: tuple[str, ...]
    pair: tuple[str, ...]
    after: tuple[str, ...]
    relevant: str
    irrelevant: str


TEMPLATES: Mapping[str, Template] = {
    # huggingface.co/Qwen/Qwen3-Reranker-0.6B, "Transformers Usage".
    "qwen3": Template(
        before=(
            "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
            'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n',
        ),
        pair=(
            "<Instruct>: Given a web search query, retrieve relevant passages that answer the query\n"
            "<Query>: {question}\n<Document>: {passage}",
        ),
        after=("<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",),
        relevant="yes",
        irrelevant="no",
    ),
    # github.com/mixedbread-ai/mxbai-rerank, mxbai_rerank_v2.py.
    "mxbai": Template(
        before=(
            "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
            "<|im_start|>user\n",
        ),
        pair=("query: {question}", "\n", "document: {passage}"),
        after=(
            "\n",
            "You are a search relevance expert who evaluates how well documents match search queries. For each "
            "query-document pair, carefully analyze the semantic relationship between them, then provide your binary "
            "relevance judgment (0 for not relevant, 1 for relevant).\nRelevance:",
            "<|im_end|>\n<|im_start|>assistant\n",
        ),
        relevant="1",
        irrelevant="0",
    ),
}
