"""Codecs: keypoints to heatmaps and back, batched torch on any device.

`encode` and `decode` of one codec stand side by side; what the codecs share is in `heatmaps.py`.
"""

from hrpose.codecs.base import Codec
from hrpose.codecs.deeplabcut import DeepLabCutHeatmap
from hrpose.codecs.msra import MSRAHeatmap
from hrpose.codecs.udp import UDPHeatmap

__all__ = ["Codec", "DeepLabCutHeatmap", "MSRAHeatmap", "UDPHeatmap"]
