"""Word processor files, sheets, slides and books."""
