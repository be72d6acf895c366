"""Text as a reader would understand it, with the way back to the original."""
