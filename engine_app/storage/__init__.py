"""Postgres engine and sessions, Redis client."""
