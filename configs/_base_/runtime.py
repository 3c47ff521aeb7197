# How a run goes, whatever it trains; a page adds epochs, validation and `save_best`.
runner = dict(
    seed=0,
    deterministic=False,
    precision="fp32",
    channels_last=True,
    compile=False,
    accumulate=1,
    clip_grad=None,
    ema=None,
    early_stop=None,
    keep_checkpoints=3,
    log_interval=50,
    auto_scale_lr=False,
    base_batch_size=512,  # 8 GPUs with 64 animals each, for which lr=5e-4 was chosen
)
