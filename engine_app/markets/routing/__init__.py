"""Which pools an order trades in, and the least it accepts. Pure."""

from engine_app.markets.routing.decision import Candidate, Decision, RefusedPool, decide
from engine_app.markets.routing.floor import floor_out

__all__ = ["Candidate", "Decision", "RefusedPool", "decide", "floor_out"]
