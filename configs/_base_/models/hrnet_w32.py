# HRNet-W32 and a head of one 1x1 convolution; a page adds the codec and the keypoints.
# For W48: model = dict(backbone=dict(width=48)) and its own `pretrained`.
model = dict(
    type="TopDown",
    backbone=dict(type="HRNet", width=32),
    head=dict(
        type="HeatmapHead",
        in_channels="$model.backbone.width",
        out_channels="$len(keypoints.names)",
    ),
    loss=dict(type="KeypointMSELoss"),
)
# weights for the backbone before training (ImageNet), or None
pretrained = "https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w32-36af842e.pth"
