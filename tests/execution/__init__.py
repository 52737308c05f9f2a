"""Execution: one order at a time, from any state."""
