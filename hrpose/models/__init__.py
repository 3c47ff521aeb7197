"""The networks, the loss and the estimator; importing this registers them for config pages."""

from hrpose.models.backbone import Backbone
from hrpose.models.head import HeatmapHead, RefinementHead
from hrpose.models.hrnet import HRNet
from hrpose.models.loss import KeypointMSELoss
from hrpose.models.topdown import TopDown

__all__ = ["Backbone", "HRNet", "HeatmapHead", "KeypointMSELoss", "RefinementHead", "TopDown"]
