"""Vectors in a file, to be taken from one database to another (docs/export.md)."""

from hybridrag.vectorfile.facts import Facts
from hybridrag.vectorfile.reading import Batch, VectorFile
from hybridrag.vectorfile.writing import check_place, check_pyarrow, whole_file

__all__ = ["Batch", "Facts", "VectorFile", "check_place", "check_pyarrow", "whole_file"]
