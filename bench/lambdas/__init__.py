"""Functions as Lambda runs them: its runtime client in a process, its Runtime API and AWS beside it."""
