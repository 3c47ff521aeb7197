"""How a run goes: optimizer, rate, epochs, checkpoints. Both of MMPose's ways to say it."""

from __future__ import annotations

from typing import Any

from hrpose.config.mmpose_names import TYPES
from hrpose.own_page.from_mmpose.part import Part

_OPTIMIZERS = {
    "Adam": ("lr", "betas", "eps", "weight_decay"),
    "AdamW": ("lr", "betas", "eps", "weight_decay"),
    "SGD": ("lr", "momentum", "weight_decay", "nesterov"),
}
_TORCH_DEFAULTS = {"SGD": {"momentum": 0.0}}
"""Where a key that is not there means another value than here."""
GPUS = 8
"""For which MMPose chose its rates, where a page does not say it."""


def optimizer_of(root: Part, runner: dict[str, Any]) -> dict[str, Any]:
    """The `optimizer` of the page; what belongs to it in `runner` is put there."""
    if "optim_wrapper" in root:
        wrapper = root.part("optim_wrapper")
        optimizer, clip = wrapper.part("optimizer"), wrapper.part("clip_grad")
        if wrapper.take("type", str, "OptimWrapper") == "AmpOptimWrapper":
            runner["precision"] = "amp"
            wrapper.pass_over("loss_scale", "dtype")
        count = wrapper.take("accumulative_counts", int, 1)
        runner.update({} if count == 1 else {"accumulate": count})
    else:
        optimizer, clip = root.part("optimizer"), root.part("optimizer_config").part("grad_clip")
        if root.part("fp16"):
            runner["precision"] = "amp"
            root.part("fp16").pass_over("loss_scale")
    if clip:
        runner["clip_grad"] = clip.take("max_norm", float)
        clip.expect("norm_type", 2)
    kind = optimizer.type()
    if kind not in _OPTIMIZERS:
        raise optimizer.refusal("type", f"{kind} is not known here; there are Adam, AdamW and SGD")
    values = {key: optimizer.take(key, Any) for key in _OPTIMIZERS[kind] if key in optimizer}
    return {"type": kind, **_TORCH_DEFAULTS.get(kind, {}), **values}


def schedule_of(root: Part, epochs: int) -> dict[str, Any]:
    """The `schedule` of the page."""
    if "param_scheduler" in root:
        return _new_schedule(root, epochs)
    lr = root.part("lr_config")
    policy = lr.take("policy", str, "fixed")
    warmup = lr.take("warmup", str | None, None)
    warm: dict[str, Any] = {"warmup_iters": 0}
    if warmup and lr.take("warmup_by_epoch", bool, False):
        lr.note("warmup_by_epoch", "warm-ups are counted in steps here; there is none")
    elif warmup:
        warm = {
            "warmup_iters": lr.take("warmup_iters", int, 0),
            "warmup_ratio": lr.take("warmup_ratio", float, 0.1),
        } | ({} if warmup == "linear" else {"warmup": warmup})
    lr.pass_over("warmup_iters", "warmup_ratio", "warmup_by_epoch")
    if policy.lower() == "step":
        lr.expect("by_epoch", True)
        step = lr.take("step", int | list[int])
        steps = range(step, epochs, max(1, step)) if isinstance(step, int) else step
        return {
            "type": "WarmupStep",
            **warm,
            "steps": tuple(steps),
            "gamma": lr.take("gamma", float, 0.1),
        }
    if policy.lower() == "cosineannealing":
        if lr.take("by_epoch", bool, True):
            lr.note("policy", "the rate falls with every step here, with every epoch there")
        return {"type": "WarmupCosine", **warm, "final_ratio": _final_ratio(lr, root)}
    if policy != "fixed":
        lr.note("policy", f"'{policy}' is not known here; the rate stays as it is")
    return {"type": "WarmupStep", **warm, "steps": (), "gamma": 0.1}


def _final_ratio(lr: Part, root: Part) -> float:
    rate = root.part("optimizer").take("lr", float, 1.0)
    return _share(lr.take("min_lr_ratio", float, 0.0), lr.take("min_lr", float, 0.0), rate)


def _share(ratio: float, least: float, rate: float) -> float:
    """What is left of `rate` at the end, said as a share or as a rate."""
    return ratio or (round(least / rate, 10) if rate else 0.0)


def _new_schedule(root: Part, epochs: int) -> dict[str, Any]:
    """1.x has a list: a warm-up by steps, then what goes by epochs."""
    warm: dict[str, Any] = {"warmup_iters": 0}
    main: dict[str, Any] | None = None
    for part in root.parts("param_scheduler"):
        kind = TYPES.get(part.type(), part.type())
        begin, end = part.take("begin", int, 0), part.take("end", int | None, None)
        by_epoch = part.take("by_epoch", bool, True)
        part.pass_over("convert_to_iter_based", "verbose")
        if kind in ("LinearLR", "ConstantLR") and not by_epoch and begin == 0 and end:
            key = "start_factor" if kind == "LinearLR" else "factor"
            warm = {"warmup_iters": end, "warmup_ratio": part.take(key, float, 1 / 3)}
            warm |= {} if kind == "LinearLR" else {"warmup": "constant"}
            part.expect("end_factor", 1.0)
        elif kind == "WarmupStep" and by_epoch and main is None:
            steps = [step for step in part.take("milestones", list[int]) if not end or step < end]
            main = {"steps": tuple(steps), "gamma": part.take("gamma", float, 0.1)}
            main = {"type": "WarmupStep", **main}
        elif kind == "WarmupCosine" and main is None:
            main = {"type": "WarmupCosine", "final_ratio": _cosine(part, root)}
            span = part.take("T_max", int | None, None) or epochs
            if begin or span != epochs or not by_epoch:
                part.note("type", f"falls over all {epochs} epochs here, from the first step on")
        else:
            part.note("type", f"{part.type()} as it stands there is not known here; it is left out")
            part.pass_over(*part.values)
    main = main or {"type": "WarmupStep", "steps": (), "gamma": 0.1}
    return {"type": main.pop("type"), **warm, **main}


def _cosine(part: Part, root: Part) -> float:
    rate = root.part("optim_wrapper").part("optimizer").take("lr", float, 1.0)
    ratio = part.take("eta_min_ratio", float | None, None) or 0.0
    return _share(ratio, part.take("eta_min", float | None, None) or 0.0, rate)


def epochs_of(root: Part) -> tuple[int, int]:
    """Epochs of the run, and from one validation to the next."""
    if "total_epochs" in root:
        epochs = root.take("total_epochs", int)
    else:
        key = "runner" if "runner" in root else "train_cfg"
        epochs = root.part(key).take("max_epochs", int)
        root.part(key).pass_over("type", "by_epoch")
    if "evaluation" in root:
        return epochs, root.part("evaluation").take("interval", int, 1)
    return epochs, root.part("train_cfg").take("val_interval", int, 1)


def put_habits(root: Part, runner: dict[str, Any], batch_size: int) -> None:
    """Checkpoints, log, seed, average and the batch that the rate was chosen for, into `runner`."""
    if "train_dataloader" in root:
        hooks = root.part("default_hooks")
        checkpoint, log = hooks.part("checkpoint"), hooks.part("logger")
        hooks.pass_over("timer", "param_scheduler", "sampler_seed", "visualization", "badcase")
        root.pass_over("checkpoint_config", "log_config")
    else:
        checkpoint, log = root.part("checkpoint_config"), root.part("log_config")
        root.pass_over("default_hooks")
    checkpoint.pass_over("type", "rule", "by_epoch", "save_last", "create_symlink", "out_dir")
    log.pass_over("type", "hooks", "ignore_last", "interval_exp_name")
    runner["save_interval"] = max(1, checkpoint.take("interval", int, 10))
    kept = checkpoint.take("max_keep_ckpts", int, 0)
    if kept:
        runner["keep_checkpoints"] = kept if kept > 0 else None
    runner["log_interval"] = max(1, log.take("interval", int, 50))
    scale = root.part("auto_scale_lr")
    runner["base_batch_size"] = scale.take("base_batch_size", int, GPUS * batch_size)
    if scale.take("enable", bool, False):
        runner["auto_scale_lr"] = True
    for hook in root.parts("custom_hooks"):
        _put_hook(hook, runner)
    chance = root.part("randomness")
    seed = chance.take("seed", int | None, None)
    seed = root.take("seed", int | None, None) if seed is None else seed
    runner.update({} if seed is None else {"seed": seed})
    if chance.take("deterministic", bool, False):
        runner["deterministic"] = True
    chance.pass_over("diff_rank_seed")


def _put_hook(hook: Part, runner: dict[str, Any]) -> None:
    if hook.type() == "EMAHook" and hook.take("ema_type", str, "").endswith("MomentumEMA"):
        runner["ema"] = round(1 - hook.take("momentum", float, 0.0002), 10)
        hook.note("type", "the average follows at a fixed pace here, from the first step on")
        hook.pass_over("update_buffers", "priority")
    elif hook.type() == "SyncBuffersHook":
        hook.pass_over(*hook.values)
    else:
        hook.note("type", f"{hook.type()} is left out")
        hook.pass_over(*hook.values)
