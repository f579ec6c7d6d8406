"""Whether a change made the bridge dearer, counted in instructions, which no busy machine changes."""
