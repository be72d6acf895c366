"""Lists of names and ordinary words. `NAMES.md` tells where the names come from."""
