"""What an hour of a call costs, part by part, and what limits how many there are."""
