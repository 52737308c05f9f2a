"""Swaps on the compiled programs of mainnet, run by the local chain: `make test-real`, not part of `make test`."""
