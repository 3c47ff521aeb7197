_base_ = "./hrnet_w32_animalkingdom_P1_256x256.py"
# Protocol 3: fishes alone.
_test = dict(ann_file="annotations/ak_P3_fish/test.json")
data = dict(train=dict(ann_file="annotations/ak_P3_fish/train.json"), val=_test, test=_test)
