"""Vectors in a file, to be taken from one database to another (docs/export.md)."""

from hybridrag.vectorfile.facts import Facts
from hybridrag.vectorfile.reading import Batch, VectorFile
from hybridrag.vectorfile.writing import Origin, check_place, check_pyarrow, write_vectors

__all__ = ["Batch", "Facts", "Origin", "VectorFile", "check_place", "check_pyarrow", "write_vectors"]
