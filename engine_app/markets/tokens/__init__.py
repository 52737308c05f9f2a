"""Tokens: those of each cluster's list, any other by its mint, and amounts of them."""

from engine_app.markets.tokens.amounts import MAX_UNITS, parse_amount, visible, whole
from engine_app.markets.tokens.listed import TokenList
from engine_app.markets.tokens.lookup import TokenLookup
from engine_app.markets.tokens.token import Token, TokenWarning

__all__ = ["MAX_UNITS", "Token", "TokenList", "TokenLookup", "TokenWarning", "parse_amount", "visible", "whole"]
