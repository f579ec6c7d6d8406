"""Looks each minute after calls that no bridge attends to: asks for their audio again, or ends their logs."""
