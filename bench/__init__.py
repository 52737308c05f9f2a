"""Measurements. Each prints what it measured; the figures in README and docs come from here."""
