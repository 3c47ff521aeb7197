"""What MMPose's configs call things, and where the same stands on a page here: for error messages.

docs/your_own_data.md has the table.
"""

from __future__ import annotations

PAGE = {
    "total_epochs": "runner.epochs",
    "train_cfg": "runner (max_epochs is runner.epochs, val_interval is its own)",
    "val_cfg": "",
    "test_cfg": "model.flip_test and codec",
    "evaluation": "metrics, runner.val_interval and runner.save_best",
    "val_evaluator": "metrics",
    "test_evaluator": "metrics",
    "checkpoint_config": "runner.save_interval and runner.keep_checkpoints",
    "default_hooks": "runner (save_interval, keep_checkpoints, save_best, log_interval)",
    "custom_hooks": "runner (an average of the weights is runner.ema)",
    "lr_config": "schedule",
    "param_scheduler": "schedule",
    "optim_wrapper": "optimizer",
    "optimizer_config": "runner.clip_grad",
    "auto_scale_lr": "runner.auto_scale_lr and runner.base_batch_size",
    "fp16": "runner.precision='amp'",
    "dataset_info": "keypoints",
    "channel_cfg": "keypoints (the head counts its names)",
    "data_cfg": "codec (image_size is codec.input_size)",
    "data_root": "data.root",
    "dataset_type": "data.train.type, CocoPoseDataset for all",
    "train_dataloader": "data (batch_size, workers, train)",
    "val_dataloader": "data (val_batch_size, val)",
    "test_dataloader": "data (val_batch_size, test)",
    "val_pipeline": "test_pipeline",
    "base_lr": "optimizer.lr",
    "max_epochs": "runner.epochs",
    "seed": "runner.seed",
    "randomness": "runner.seed and runner.deterministic",
    "gpu_ids": "torchrun's --nproc-per-node",
    "work_dir": "--work-dir on the command line",
    "resume": "--resume on the command line",
    "resume_from": "--resume on the command line",
    "log_config": "runner.log_interval",
    "log_processor": "runner.log_interval",
    **dict.fromkeys(("log_level", "dist_params", "env_cfg", "workflow", "launcher"), ""),
    **dict.fromkeys(("cudnn_benchmark", "find_unused_parameters", "default_scope"), ""),
    **dict.fromkeys(("opencv_num_threads", "mp_start_method"), ""),
    **dict.fromkeys(("vis_backends", "visualizer", "backend_args", "data_mode"), ""),
}
"""Top-level names; '' where nothing is needed in their place."""

TYPES = {
    "TopdownPoseEstimator": "TopDown",
    "TopdownHeatmapSimpleHead": "HeatmapHead",
    "TopDownSimpleHead": "HeatmapHead",
    "JointsMSELoss": "KeypointMSELoss",
    "LoadImageFromFile": "LoadImage",
    "TopDownGetBboxCenterScale": "CropBox",
    "GetBBoxCenterScale": "CropBox",
    "TopDownRandomShiftBboxCenter": "RandomShift",
    "TopDownRandomFlip": "RandomFlip",
    "TopDownHalfBodyTransform": "RandomHalfBody",
    "TopDownGetRandomScaleRotation": "RandomScaleRotate",
    "RandomBBoxTransform": "RandomShift and RandomScaleRotate",
    "TopDownAffine": "Warp",
    "TopdownAffine": "Warp",
    "PCKAccuracy": "PCK",
    "CocoMetric": "CocoAP",
    "MultiStepLR": "WarmupStep",
    "CosineAnnealingLR": "WarmupCosine",
    **dict.fromkeys(("AnimalHorse10Dataset", "Horse10Dataset"), "CocoPoseDataset"),
    **dict.fromkeys(("AnimalMacaqueDataset", "MacaqueDataset"), "CocoPoseDataset"),
    **dict.fromkeys(("AnimalATRWDataset", "ATRWDataset"), "CocoPoseDataset"),
    **dict.fromkeys(("TopDownCocoDataset", "CocoDataset"), "CocoPoseDataset"),
    **dict.fromkeys(("ToTensor", "NormalizeTensor", "Collect", "PackPoseInputs"), ""),
    **dict.fromkeys(("TopDownGenerateTarget", "TopdownGenerateTarget", "GenerateTarget"), ""),
}
"""Classes; '' for steps that are done without being named, by the model and the codec."""

KEYS = {
    "samples_per_gpu": "batch_size",
    "workers_per_gpu": "workers",
    "num_workers": "workers",
    "val_dataloader": "val_batch_size",
    "test_dataloader": "val_batch_size",
    "max_epochs": "epochs",
    "keypoint_head": "head",
    "extra": "width, 32 or 48",
    "loss_keypoint": "model.loss",
    "num_joints": "the number of keypoints.names",
    "channel_cfg": "the number of keypoints.names",
    "test_cfg": "flip_test, shift_heatmap and the codec's decoding",
    "train_cfg": "the codec",
    "data_preprocessor": "mean and std",
    "img_prefix": "img_root",
    "data_prefix": "img_root",
    "data_root": "root",
    "bbox_file": "box_file",
    "dataset_info": "keypoints, on top of the page",
    "metainfo": "keypoints, on top of the page",
    "data_cfg": "codec, on top of the page",
    "pretrained": "pretrained, on top of the page",
    "flip_prob": "prob",
    "prob_half_body": "prob",
    "num_joints_half_body": "min_visible",
    "rot_factor": "degrees",
    "scale_factor": "scale",
    "rot_prob": "rotate_prob",
    "use_udp": "udp",
    "policy": "type, WarmupStep or WarmupCosine",
}
"""Keys of parts of a page."""


def hint(name: object, table: dict[str, str]) -> str:
    """`; here it is y (...)` for a name in `table`, or nothing."""
    if not isinstance(name, str) or name not in table:
        return ""
    ours = table[name]
    told = f"here it is {ours}" if ours else "nothing is needed in its place"
    return f"; {told} (MMPose's names: docs/your_own_data.md; whole pages: hrpose convert-config)"
