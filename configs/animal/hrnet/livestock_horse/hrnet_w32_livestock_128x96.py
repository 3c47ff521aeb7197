_base_ = "./hrnet_w32_livestock_256x256.py"
# For a CPU: small, from scratch, 20 epochs. The file name says w x h.
# DARK only decodes here: on 32x24 cells the quarter cell costs 0.02 AP (docs/results.md).
codec = dict(input_size=(128, 96), heatmap_size=(32, 24), sigma=1, decoding="dark", unbiased=False)
pretrained = None
data = dict(batch_size=16, workers=0)  # reading in the same process leaves both cores to torch
schedule = dict(warmup_iters=100, steps=(16, 19))
runner = dict(epochs=20, val_interval=5, save_interval=5, log_interval=10, base_batch_size=16)
