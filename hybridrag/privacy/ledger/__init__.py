"""The record of what left: a chain of sealed lines in one file."""

from hybridrag.privacy.ledger.file_ledger import FileLedger, Head, Verification, entries, verify

__all__ = ["FileLedger", "Head", "Verification", "entries", "verify"]
