"""The whole engine over REST: web, workers, Postgres, Valkey and the local chain."""
