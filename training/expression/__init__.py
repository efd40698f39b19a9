"""Draws heads whose coefficients are known and teaches the network on them: `python -m training.expression`."""
