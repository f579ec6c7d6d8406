"""An AWS on this machine, for the templates as they are synthesized."""
