# A whole experiment in seconds: a narrow HRNet on 16 small drawn animals.
_base_ = "../../configs/animal/hrnet/synthetic/hrnet_w32_synthetic_96x96.py"
codec = dict(input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
model = dict(backbone=dict(width=4))
data = dict(
    batch_size=4,
    val_batch_size=4,
    workers=0,
    train=dict(length=16, image_size=(96, 96)),
    val=dict(length=6, image_size=(96, 96)),
    test=dict(length=6, image_size=(96, 96), seed=2),  # the animals of val
)
optimizer = dict(lr=5e-4)
schedule = dict(_delete_=True, type="WarmupStep", warmup_iters=2, steps=(8,))
runner = dict(epochs=2, val_interval=1, save_interval=1, log_interval=2, base_batch_size=4)
