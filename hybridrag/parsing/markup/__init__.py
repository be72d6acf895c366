"""Text that is marked up by hand: Markdown and its kin. It stays as written."""
