"""What a fresh local chain is born with: tokens under mainnet's addresses, and pools of two venues."""
