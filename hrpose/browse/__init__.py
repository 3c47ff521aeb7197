"""Samples and faults looked at: what is annotated, and what the network gets of it."""
