"""Hybrid RAG on your own machine: local parsing, embedding and search, and a privacy gateway before any cloud LLM."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("hybridrag")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"
