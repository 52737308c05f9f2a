"""Which pools an order trades in, and the least it accepts. Pure."""

from engine_app.markets.routing.decision import Candidate, Decision, RefusedPool, decide
from engine_app.markets.routing.floor import floor_out, leg_terms
from engine_app.markets.routing.route import Leg, Route, Terms

__all__ = ["Candidate", "Decision", "Leg", "RefusedPool", "Route", "Terms", "decide", "floor_out", "leg_terms"]
