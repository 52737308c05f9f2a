"""One pure module per on-chain exchange program: accounts in → pool → quote, instruction."""
