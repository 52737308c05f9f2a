"""Tests mirror engine_app.markets.tokens."""
