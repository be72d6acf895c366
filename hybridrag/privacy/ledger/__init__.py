"""The record of what left: a chain of sealed lines in one file."""

from hybridrag.privacy.ledger.chain import Head
from hybridrag.privacy.ledger.file_ledger import FileLedger
from hybridrag.privacy.ledger.reading import entries
from hybridrag.privacy.ledger.verification import Verification, verify

__all__ = ["FileLedger", "Head", "Verification", "entries", "verify"]
