"""Getting a committed attempt onto the chain, and telling what is seen of it.

One strategy a file: sending and re-sending, the subscription, the status poll, the proof of expiry. `Landing` runs
them together for all attempts of a process. Nothing here writes SQL or draws a verdict.
"""

from engine_app.chain.landing.attempts import LiveAttempt, Observation, Seen, Withdrawn
from engine_app.chain.landing.expiry import ExpiryEvidence, Found, HistoryMissing
from engine_app.chain.landing.landing import Landing

__all__ = [
    "ExpiryEvidence",
    "Found",
    "HistoryMissing",
    "Landing",
    "LiveAttempt",
    "Observation",
    "Seen",
    "Withdrawn",
]
