"""Faults of labels and images: one record each, of whatever kind, and who they concern."""

from hrpose.datasets.faults.fault import Fault, Place, Severity, in_lines

__all__ = ["Fault", "Place", "Severity", "in_lines"]
