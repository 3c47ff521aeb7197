_base_ = "./hrnet_w32_livestock_256x256.py"
# For a CPU: small, from scratch, 20 epochs. The file name says w x h.
codec = dict(input_size=(128, 96), heatmap_size=(32, 24), sigma=1)
pretrained = None
data = dict(batch_size=16, workers=0)  # reading in the same process leaves both cores to torch
schedule = dict(warmup_iters=100, steps=(16, 19))
runner = dict(epochs=20, val_interval=5, save_interval=5, log_interval=10, base_batch_size=16)
