"""Documents to chunks: by structure, by the model's own tokenizer, with exact offsets."""

from hybridrag.chunking.boilerplate import VERSION as BOILERPLATE_VERSION
from hybridrag.chunking.boilerplate import edges, left_out
from hybridrag.chunking.structural import StructuralChunker, embed_text, prefix

__all__ = ["BOILERPLATE_VERSION", "StructuralChunker", "edges", "embed_text", "left_out", "prefix"]
