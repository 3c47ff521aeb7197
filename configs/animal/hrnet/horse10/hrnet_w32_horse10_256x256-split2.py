_base_ = "./hrnet_w32_horse10_256x256-split1.py"

_test = dict(ann_file="annotations/horse10-test-split2.json")
data = dict(
    train=dict(ann_file="annotations/horse10-train-split2.json"),
    val=_test,
    test=_test,
)
