"""Makes a second pass over the recording of a call that is over, and mends with it what the live one lacks."""
