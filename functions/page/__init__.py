"""Serves the page where people follow calls."""
