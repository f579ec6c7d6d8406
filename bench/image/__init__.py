"""The bridge's image, built by its own recipe without Docker, started as ECS would start it, and given a call."""
