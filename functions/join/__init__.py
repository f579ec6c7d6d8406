"""Joins the files of calls of a day that is over, so that searches read one file instead of thousands."""
