"""Pages as MMPose's users have them, 0.x and 1.x, written anew: names and values are theirs."""

import textwrap

STAGES = """
W = {width}
extra = dict(
    stage1=dict(num_modules=1, num_branches=1, block="BOTTLENECK", num_blocks=(4,),
                num_channels=(64,)),
    stage2=dict(num_modules=1, num_branches=2, block="BASIC", num_blocks=(4,) * 2,
                num_channels=(W, 2 * W)),
    stage3=dict(num_modules=4, num_branches=3, block="BASIC", num_blocks=[4] * 3,
                num_channels=(W, 2 * W, 4 * W)),
    stage4=dict(num_modules=3, num_branches=4, block="BASIC", num_blocks=(4, 4, 4, 4),
                num_channels=(W, W * 2, W * 4, W * 8)),
)
weights = "https://download.openmmlab.com/mmpose/pretrain_models/hrnet_w{width}-{digest}.pth"
"""

OLD = """
_base_ = ["../_base_/default_runtime.py", "../_base_/datasets/{base}.py"]
evaluation = dict(interval=10, metric={metric!r}, save_best={best!r})
optimizer = dict(type="Adam", lr=5e-4)
optimizer_config = dict(grad_clip=None)
lr_config = dict(policy="step", warmup="linear", warmup_iters=500, warmup_ratio=0.001,
                 step=[170, 200])
total_epochs = 210
log_config = dict(interval=50, hooks=[dict(type="TextLoggerHook")])
channel_cfg = dict(num_output_channels={keypoints}, dataset_joints={keypoints})
{stages}
model = dict(
    type="TopDown",
    pretrained=weights,
    backbone=dict(type="HRNet", in_channels=3, extra=extra),
    keypoint_head=dict(
        type="TopdownHeatmapSimpleHead", in_channels=W, num_deconv_layers=0,
        out_channels=channel_cfg["num_output_channels"], extra=dict(final_conv_kernel=1),
        loss_keypoint=dict(type="JointsMSELoss", use_target_weight=True)),
    train_cfg=dict(),
    test_cfg=dict(flip_test=True, post_process="default", shift_heatmap=True, modulate_kernel=11),
)
data_cfg = dict(
    image_size=[{size[0]}, {size[1]}], heatmap_size=[{size[0]} // 4, {size[1]} // 4],
    num_joints=channel_cfg["dataset_joints"], soft_nms=False, nms_thr=1.0, oks_thr=0.9,
    vis_thr=0.2, use_gt_bbox=True, det_bbox_thr=0.0, bbox_file="")
norm = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
half = dict(num_joints_half_body=8)
train_pipeline = [
    dict(type="LoadImageFromFile"),
{plan}    dict(type="TopDownRandomFlip", flip_prob=0.5),
{half_body}    dict(type="TopDownGetRandomScaleRotation", rot_factor=40, scale_factor=0.5),
    dict(type="TopDownAffine"),
    dict(type="ToTensor"),
    dict(type="NormalizeTensor", **norm),
    dict(type="TopDownGenerateTarget", sigma=2),
    dict(type="Collect", keys=["img", "target"], meta_keys=["center", "scale"]),
]
val_pipeline = [
    dict(type="LoadImageFromFile"),
{crop}    dict(type="TopDownAffine"),
    dict(type="ToTensor"),
    dict(type="NormalizeTensor", **norm),
    dict(type="Collect", keys=["img"], meta_keys=["center", "scale"]),
]
test_pipeline = val_pipeline
data_root = "data/{folder}"
common = dict(type={dataset!r}, data_cfg=data_cfg, dataset_info={{{{_base_.dataset_info}}}})
data = dict(
    samples_per_gpu={batch},
    workers_per_gpu=4,
    val_dataloader=dict(samples_per_gpu=32),
    test_dataloader=dict(samples_per_gpu=32),
    train=dict(ann_file=f"{{data_root}}/{train}", img_prefix=f"{{data_root}}/{images}/",
               pipeline=train_pipeline, **common),
    val=dict(ann_file=f"{{data_root}}/{test}", img_prefix=f"{{data_root}}/{test_images}/",
             pipeline=val_pipeline, **common),
)
data["test"] = data["val"].copy()
data["test"].update(pipeline=test_pipeline)
"""

NEW = """
_base_ = ["../../_base_/default_runtime.py"]
train_cfg = dict(max_epochs=210, val_interval=10)
optim_wrapper = dict(optimizer=dict(type={optimizer!r}, lr=5e-4))
param_scheduler = [
    dict(type="LinearLR", begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(type="MultiStepLR", begin=0, end=210, milestones=[170, 200], gamma=0.1, by_epoch=True),
]
auto_scale_lr = dict(base_batch_size=512)
default_hooks = dict(checkpoint=dict(save_best={best!r}, rule="greater"))
codec = dict(type="MSRAHeatmap", input_size=({size[0]}, {size[1]}),
             heatmap_size=({size[0]} // 4, {size[1]} // 4), sigma=2)
{stages}
model = dict(
    type="TopdownPoseEstimator",
    data_preprocessor=dict(type="PoseDataPreprocessor", mean=[123.675, 116.28, 103.53],
                           std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(type="HRNet", in_channels=3, extra=extra,
                  init_cfg=dict(type="Pretrained", checkpoint=weights)),
    head=dict(type="HeatmapHead", in_channels=W, out_channels={keypoints}, decoder=codec,
              deconv_out_channels=None, loss=dict(type="KeypointMSELoss", use_target_weight=True)),
    test_cfg=dict(flip_test=True, flip_mode="heatmap", shift_heatmap=True),
)
dataset_type = {dataset!r}
data_root = "data/{folder}/"
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale"),
    dict(type="RandomFlip", direction="horizontal"),
    dict(type="RandomHalfBody"),
    dict(type="RandomBBoxTransform"),
    dict(type="TopdownAffine", input_size=codec["input_size"]),
    dict(type="GenerateTarget", encoder=codec),
    dict(type="PackPoseInputs"),
]
val_pipeline = train_pipeline[:2] + train_pipeline[5:6] + train_pipeline[-1:]
common = dict(type=dataset_type, data_root=data_root, data_mode="topdown",
              data_prefix=dict(img="{images}/"))
train_dataloader = dict(
    batch_size={batch}, num_workers=4, persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(ann_file="{train}", pipeline=train_pipeline, **common))
val_dataloader = dict(
    batch_size=32, num_workers=4, persistent_workers=True, drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False, round_up=False),
    dataset=dict(ann_file="{test}", test_mode=True, pipeline=val_pipeline, **common))
test_dataloader = val_dataloader
val_evaluator = {evaluator}
test_evaluator = val_evaluator
"""

DIGESTS = {32: "36af842e", 48: "8ef0771d"}
LATE_PLAN = """    dict(type="TopDownGetBboxCenterScale", padding={padding}),
    dict(type="TopDownRandomShiftBboxCenter", shift_factor={shift}, prob=0.3),
"""
LATE_CROP = '    dict(type="TopDownGetBboxCenterScale", padding={padding}),\n'
HALF_BODY = '    dict(type="TopDownHalfBodyTransform", prob_half_body=0.3, **half),\n'


def old_page(width: int = 32, late: bool = False, **facts) -> str:
    """A page of 0.x; `late`: of 0.26 and later, where steps plan the crop."""
    given = {**HORSE, "padding": 1.25, "shift": 0.16, **facts}
    parts = {
        "stages": STAGES.format(width=width, digest=DIGESTS[width]),
        "plan": LATE_PLAN.format(**given) if late else "",
        "crop": LATE_CROP.format(**given) if late else "",
        "half_body": HALF_BODY if given.pop("half") else "",
    }
    return textwrap.dedent(OLD).format(**given, **parts)


def new_page(width: int = 32, **facts) -> str:
    """A page of 1.x."""
    given = {"optimizer": "Adam", "evaluator": EVALUATOR, **HORSE, "best": "PCK", **facts}
    return NEW.format(**given, stages=STAGES.format(width=width, digest=DIGESTS[width]))


EVALUATOR = '[dict(type="PCKAccuracy", thr=0.05), dict(type="AUC")]'
COCO_EVALUATOR = 'dict(type="CocoMetric", ann_file=data_root + "{test}")'
HORSE = {
    "base": "horse10",
    "folder": "horse10",
    "dataset": "AnimalHorse10Dataset",
    "metric": "PCK",
    "best": "PCK",
    "keypoints": 22,
    "size": (256, 256),
    "batch": 64,
    "half": False,
    "train": "annotations/horse10-train-split1.json",
    "test": "annotations/horse10-test-split1.json",
    "images": ".",
    "test_images": ".",
}
MACAQUE = {
    **HORSE,
    "base": "macaque",
    "folder": "macaque",
    "dataset": "AnimalMacaqueDataset",
    "metric": "mAP",
    "best": "AP",
    "keypoints": 17,
    "size": (192, 256),
    "half": True,
    "train": "annotations/macaque_train.json",
    "test": "annotations/macaque_test.json",
    "images": "images",
    "test_images": "images",
}
ATRW = {
    **MACAQUE,
    "base": "atrw",
    "folder": "atrw",
    "dataset": "AnimalATRWDataset",
    "keypoints": 15,
    "size": (256, 256),
    "train": "annotations/keypoint_train.json",
    "test": "annotations/keypoint_val.json",
    "images": "images/train",
    "test_images": "images/val",
}
ANIMALPOSE = {
    **MACAQUE,
    "base": "animalpose",
    "folder": "animalpose",
    "dataset": "AnimalPoseDataset",
    "keypoints": 20,
    "size": (256, 256),
    "train": "annotations/animalpose_train.json",
    "test": "annotations/animalpose_val.json",
    "images": ".",
    "test_images": ".",
}
KINGDOM = {
    **HORSE,
    "folder": "ak",
    "dataset": "AnimalKingdomDataset",
    "keypoints": 23,
    "batch": 32,
    "images": "images",
    "train": "annotations/ak_P1/train.json",
    "test": "annotations/ak_P1/test.json",
    "optimizer": "AdamW",
}
