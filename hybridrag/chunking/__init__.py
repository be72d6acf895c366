"""Documents to chunks: by structure, by the model's own tokenizer, with exact offsets."""

from hybridrag.chunking.structural import StructuralChunker, prefix

__all__ = ["StructuralChunker", "prefix"]
