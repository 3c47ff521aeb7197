_base_ = "./hrnet_w32_animalkingdom_P1_256x256.py"
# Protocol 2: tested on kinds of animals that training has not seen.
_test = dict(ann_file="annotations/ak_P2/test.json")
data = dict(train=dict(ann_file="annotations/ak_P2/train.json"), val=_test, test=_test)
