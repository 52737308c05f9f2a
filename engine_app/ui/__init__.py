"""The page: Reflex pages, states and components."""
