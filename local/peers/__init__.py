"""Simulated PBXs and carriers: what each sends on its media socket, to the letter, for audio that is given."""
