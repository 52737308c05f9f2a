"""The embedded chain: LiteSVM behind Solana's own JSON-RPC, with an honest slot clock and seeded pools.

`bank` runs transactions and remembers what every account held at each recent slot; `chain` gives it a clock,
a queue of sends and a disk; `rpc` answers as a Solana node does; `seed` is what a fresh chain is born with.
Nothing here is shared with the engine's own decoders and encoders, so that a wrong layout cannot be right on
both sides.
"""
