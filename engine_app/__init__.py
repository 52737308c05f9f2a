"""A Solana order-execution engine: best price over Raydium and Meteora, executed exactly once."""
