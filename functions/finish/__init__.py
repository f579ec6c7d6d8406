"""Brings a call that is over to its end: what Gladia still knows of it, figures, chapters, the file that is kept."""
