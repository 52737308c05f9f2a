"""Everything goes wrong in a random order while many trade."""
