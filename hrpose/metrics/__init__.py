"""How good predictions are: pure functions of arrays, and the registered metrics around them."""

from hrpose.metrics.ap.coco_ap import CocoAP
from hrpose.metrics.base import Metric
from hrpose.metrics.distance import AUC, EPE, NME, PCK
from hrpose.metrics.results.write import write_predictions

__all__ = ["AUC", "EPE", "NME", "PCK", "CocoAP", "Metric", "write_predictions"]
