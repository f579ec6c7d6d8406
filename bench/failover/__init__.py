"""Live calls whose bridge dies, leaves or loses their media streams: what the log says of it, held against what was."""
