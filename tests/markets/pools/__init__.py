"""Tests mirror engine_app.markets.pools."""
