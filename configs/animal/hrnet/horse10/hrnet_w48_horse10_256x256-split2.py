_base_ = "./hrnet_w32_horse10_256x256-split1.py"

model = dict(backbone=dict(width=48))
pretrained = "https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w48-8ef0771d.pth"
_test = dict(ann_file="annotations/horse10-test-split2.json")
data = dict(
    batch_size=32,
    train=dict(ann_file="annotations/horse10-train-split2.json"),
    val=_test,
    test=_test,
)
runner = dict(base_batch_size=256)
