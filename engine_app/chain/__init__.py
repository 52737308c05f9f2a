"""The Solana cluster: identities, RPC, transactions, landing, and what a landed transaction moved."""
