_base_ = "./hrnet_w32_synthetic_128x128.py"

codec = dict(input_size=(96, 96), heatmap_size=(24, 24), sigma=1)
model = dict(backbone=dict(width=16))
