"""Documents to chunks: by structure, by the model's own tokenizer, with exact offsets."""

from hybridrag.chunking.boilerplate import VERSION as BOILERPLATE_VERSION
from hybridrag.chunking.boilerplate import edges, left_out
from hybridrag.chunking.given import embed_text, headed, prefix
from hybridrag.chunking.structural import StructuralChunker

__all__ = ["BOILERPLATE_VERSION", "StructuralChunker", "edges", "embed_text", "headed", "left_out", "prefix"]
