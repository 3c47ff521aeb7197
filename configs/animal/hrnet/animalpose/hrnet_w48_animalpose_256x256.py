_base_ = "./hrnet_w32_animalpose_256x256.py"

model = dict(backbone=dict(width=48))
pretrained = "https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w48-8ef0771d.pth"
