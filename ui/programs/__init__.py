"""Interfaces that other programs already speak: their words in, their words out, the same studio behind them."""
