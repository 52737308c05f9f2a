"""Which pools an order trades in, and the least it accepts. Pure."""

from engine_app.markets.routing.decision import Candidate, Decision, RefusedPool, decide
from engine_app.markets.routing.fitting import LEG_UNITS, decide_fitting
from engine_app.markets.routing.floor import floor_out, leg_terms
from engine_app.markets.routing.route import Leg, Route, Terms
from engine_app.markets.routing.size import fits

__all__ = [
    "LEG_UNITS",
    "Candidate",
    "Decision",
    "Leg",
    "RefusedPool",
    "Route",
    "Terms",
    "decide",
    "decide_fitting",
    "fits",
    "floor_out",
    "leg_terms",
]
