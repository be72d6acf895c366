"""The only way out: what leaves for a provider is redacted, checked again, sealed and recorded here."""

from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.inspection import Inspector
from hybridrag.privacy.keys import load_key
from hybridrag.privacy.ledger import FileLedger
from hybridrag.privacy.session import Session

__all__ = ["FileLedger", "Gateway", "Inspector", "Session", "load_key"]
