"""Where bytes come from: folders and files, JSONL, standard input, pages of the web.

`open_source(source)` gives a `Reader`. Its `list()` tells what the source holds now, `read(entry)` reads one document,
and neither ever raises for a single bad document: that is a `Skipped`, with reason and hint. Nothing is parsed here.
"""

from hybridrag.sources.listing import Entry, Listing, Reader, Vanished
from hybridrag.sources.members import inner
from hybridrag.sources.opening import open_source
from hybridrag.sources.stamp import Stamp

__all__ = ["Entry", "Listing", "Reader", "Stamp", "Vanished", "inner", "open_source"]
