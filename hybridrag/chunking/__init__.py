"""Documents to chunks: by structure, by the model's own tokenizer, with exact offsets."""

from hybridrag.chunking.structural import StructuralChunker, embed_text, prefix

__all__ = ["StructuralChunker", "embed_text", "prefix"]
