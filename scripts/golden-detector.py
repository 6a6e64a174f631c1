"""Writes test/golden/detector/*.json: what torchvision's Faster R-CNN does, stage by stage, with made-up weights.

`c4` is put together from torchvision's parts with conv5 in the box head, `fpn` is torchvision's own composition; both on
a ResNet-18 with frozen batch norms. Both samplers draw by a fixed rule instead of at random. Images enter at their own
size, unnormalised (resizing has golden values of its own). Nothing may hang on the last bits: pixels are
tried until `Margins` finds every decision clear.

Run from the repository root with any torch and torchvision (Debian: python3-torchvision): python3 scripts/golden-detector.py
"""

import re
from collections import OrderedDict

import torch
import torchvision
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from golden_stages import Case, clear_batch
from golden_values import write
from made_up import weight

CLASSES = 3
# Spread of the heads' weights, so that scores and boxes differ clearly and saturate nowhere.
SCALES = {
    "c4": {
        "rpn.head.cls_logits.weight": 0.05,
        "rpn.head.bbox_pred.weight": 0.02,
        "roi_heads.box_predictor.cls_score.weight": 0.3,
        "roi_heads.box_predictor.bbox_pred.weight": 0.2,
    },
    "fpn": {
        "rpn.head.cls_logits.weight": 0.005,
        "rpn.head.bbox_pred.weight": 0.003,
        "roi_heads.box_head.fc6.weight": 0.1,
        "roi_heads.box_head.fc7.weight": 0.3,
        "roi_heads.box_predictor.cls_score.weight": 0.5,
        "roi_heads.box_predictor.bbox_pred.weight": 0.2,
    },
}
SETTINGS = dict(
    rpn_pre_nms_top_n_train=150,
    rpn_pre_nms_top_n_test=80,
    rpn_post_nms_top_n_train=60,
    rpn_post_nms_top_n_test=30,
    rpn_batch_size_per_image=48,
    box_batch_size_per_image=8,
    box_score_thresh=0.05,
    box_detections_per_img=40,
)
# The images' sizes [height, width] of each batch; its name and a number are what the pixels are made from.
BATCHES = [("tall", [[96, 64]]), ("mixed", [[64, 96], [60, 71]])]
GRADIENTS = {
    "c4": [
        ("backbone.layer2.0.conv1", "backbone.layer2.0.bn1"),
        ("backbone.layer3.0.downsample.0", "backbone.layer3.0.downsample.1"),
        ("backbone.layer3.1.conv2", "backbone.layer3.1.bn2"),
        ("rpn.head.conv.0.0", None),
        ("rpn.head.cls_logits", None),
        ("rpn.head.bbox_pred", None),
        ("roi_heads.box_head.layer4.0.conv1", "roi_heads.box_head.layer4.0.bn1"),
        ("roi_heads.box_head.layer4.1.conv2", "roi_heads.box_head.layer4.1.bn2"),
        ("roi_heads.box_predictor.cls_score", None),
        ("roi_heads.box_predictor.bbox_pred", None),
    ],
    "fpn": [
        ("backbone.body.layer2.0.conv1", "backbone.body.layer2.0.bn1"),
        ("backbone.body.layer4.1.conv2", "backbone.body.layer4.1.bn2"),
        ("backbone.fpn.inner_blocks.0.0", None),
        ("backbone.fpn.inner_blocks.3.0", None),
        ("backbone.fpn.layer_blocks.0.0", None),
        ("backbone.fpn.layer_blocks.3.0", None),
        ("rpn.head.conv.0.0", None),
        ("rpn.head.cls_logits", None),
        ("rpn.head.bbox_pred", None),
        ("roi_heads.box_head.fc6", None),
        ("roi_heads.box_head.fc7", None),
        ("roi_heads.box_predictor.cls_score", None),
        ("roi_heads.box_predictor.bbox_pred", None),
    ],
}


class Conv5(nn.Module):
    """layer4 on every region, then the mean over its cells."""

    def __init__(self, layer4):
        super().__init__()
        self.layer4 = layer4

    def forward(self, pooled):
        return self.layer4(pooled).mean([2, 3])


def c4():
    resnet = torchvision.models.resnet18(norm_layer=FrozenBatchNorm2d)
    names = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"]
    backbone = nn.Sequential(OrderedDict((name, getattr(resnet, name)) for name in names))
    backbone.out_channels = 256
    return FasterRCNN(
        backbone,
        rpn_anchor_generator=AnchorGenerator(((32, 64, 128, 256, 512),), ((0.5, 1.0, 2.0),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], output_size=7, sampling_ratio=2),
        box_head=Conv5(resnet.layer4),
        box_predictor=FastRCNNPredictor(512, CLASSES + 1),
        image_mean=[0, 0, 0],
        image_std=[1, 1, 1],
        **SETTINGS,
    )


def fpn():
    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=5)
    return FasterRCNN(backbone, CLASSES + 1, image_mean=[0, 0, 0], image_std=[1, 1, 1], **SETTINGS)


def main():
    torch.set_num_threads(1)
    large = torchvision.models.detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    # The published weights have frozen norms, which count nothing.
    shapes = {name: list(value.shape) for name, value in large.state_dict().items() if "num_batches" not in name}
    write("fasterrcnn_resnet50_fpn", {"weights": shapes})
    for kind, make in (("c4", c4), ("fpn", fpn)):
        model = make().double()
        model.transform.resize = lambda image, target: (image, target)
        state = model.state_dict()
        model.load_state_dict({name: weight(name, tuple(value.shape), SCALES[kind].get(name, 1.0)).double() for name, value in state.items()})
        for name, parameter in model.named_parameters():
            # What torchvision freezes by default when it starts from a trained backbone.
            parameter.requires_grad_(not re.match(r"backbone\.(body\.)?(conv1|layer1)\.", name))
        case = Case(kind, model, SETTINGS, GRADIENTS[kind])
        batches = [clear_batch(case, batch, sizes) for batch, sizes in BATCHES]
        shapes = {name: list(value.shape) for name, value in state.items()}
        write(kind, {"classes": CLASSES, "settings": SETTINGS, "scales": SCALES[kind], "weights": shapes, "batches": batches})


main()
