"""One address per account: derivation, balances, the signer and its policy, the faucet."""
