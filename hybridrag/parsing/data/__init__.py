"""Data: tables, records, trees of keys, notebooks."""
