"""Dramatiq actors and the worker's entry point."""
