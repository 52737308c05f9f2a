"""Stand-in pool programs for the local chain: C sources, their build, the built programs."""
