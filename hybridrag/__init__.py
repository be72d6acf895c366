"""Hybrid RAG on your own machine: local parsing, embedding and search, and a privacy gateway before any cloud LLM."""

from __future__ import annotations


def __getattr__(name: str) -> str:
    # Read when it is asked for: reading the version takes a fortieth of a second, and every command would wait for it.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("hybridrag")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"
