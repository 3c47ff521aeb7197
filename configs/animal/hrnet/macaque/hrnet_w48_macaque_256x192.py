_base_ = "./hrnet_w32_macaque_256x192.py"

model = dict(backbone=dict(width=48))
pretrained = "https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w48-8ef0771d.pth"
data = dict(batch_size=32)
runner = dict(base_batch_size=256)
