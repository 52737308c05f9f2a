"""Postgres, Valkey, the local chain, workers and web on this machine, supervised."""
