# MMPose's: linear warm-up by iterations, then a tenth of the rate at epochs 170 and 200 of 210.
optimizer = dict(type="Adam", lr=5e-4)
schedule = dict(
    type="WarmupStep", warmup_iters=500, warmup_ratio=0.001, steps=(170, 200), gamma=0.1
)
runner = dict(base_batch_size=512)  # 8 GPUs with 64 animals each, for which the rate was chosen
