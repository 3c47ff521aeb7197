"""Weights that other programs have written, one module an origin where it has a way back."""
