"""Calls by the thousand through a real bridge, each with its own faults by seed; loss is counted to the byte."""
