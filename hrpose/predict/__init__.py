"""Predictions of a trained model, whatever its crops come from and whatever runs it."""
