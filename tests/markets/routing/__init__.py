"""Tests mirror engine_app.markets.routing."""
