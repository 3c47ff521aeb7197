"""hrpose: top-down heatmap pose estimation of animals with HRNet."""

__version__ = "0.1.0"
