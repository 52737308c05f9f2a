"""Solana's JSON-RPC over HTTP and websocket, as an Agave node answers it."""
