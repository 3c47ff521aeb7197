"""How good predictions are: pure functions of arrays, and the registered metrics around them."""

from hrpose.metrics.ap.coco_ap import CocoAP
from hrpose.metrics.base import Metric
from hrpose.metrics.coordinate import AUC, EPE
from hrpose.metrics.pck import NME, PCK
from hrpose.metrics.results.write import write_results

__all__ = ["AUC", "EPE", "NME", "PCK", "CocoAP", "Metric", "write_results"]
