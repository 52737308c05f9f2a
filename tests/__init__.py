"""Tests mirror engine_app."""
