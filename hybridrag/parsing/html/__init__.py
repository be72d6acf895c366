"""HTML, as a browser shows it, to Markdown."""
