"""Workers killed at every step between an order's message and what is written of its transaction."""
