"""Writes test/golden/detector/*.json: what torchvision's Faster R-CNN does, stage by stage, with made-up weights.

`c4` is put together from torchvision's parts with conv5 in the box head, `fpn` is torchvision's own composition; both on
a ResNet-18 with frozen batch norms. `dc5` has conv5 dilated and two linear layers, and shows other choices too: aligned
regions with as many points as fit, one box for all classes, L1 in the RPN, GIoU in the head. `fpn_v2` is put together as
torchvision's `fasterrcnn_resnet50_fpn_v2`, with batch norms that train. Both samplers draw by a fixed rule instead of at random. Images enter at their own
size, unnormalised (resizing has golden values of its own). Nothing may hang on the last bits: pixels are
tried until `Margins` finds every decision clear.

Run from the repository root with any torch and torchvision (Debian: python3-torchvision):
python3 scripts/golden-detector.py [dc5 ...]
"""

import re
import sys
from collections import OrderedDict

import torch
import torchvision
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor, resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import (
    FastRCNNConvFCHead,
    FastRCNNPredictor,
    TwoMLPHead,
    _default_anchorgen,
)
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign, generalized_box_iou_loss, roi_align

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
    "dc5": {
        "rpn.head.cls_logits.weight": 0.05,
        "rpn.head.bbox_pred.weight": 0.02,
        "roi_heads.box_head.fc6.weight": 0.1,
        "roi_heads.box_head.fc7.weight": 0.3,
        "roi_heads.box_predictor.cls_score.weight": 0.5,
        "roi_heads.box_predictor.bbox_pred.weight": 0.2,
    },
    "fpn_v2": {
        "rpn.head.conv.0.0.weight": 0.4,
        "rpn.head.conv.1.0.weight": 0.3,
        "rpn.head.cls_logits.weight": 0.03,
        "rpn.head.bbox_pred.weight": 0.02,
        "roi_heads.box_head.5.weight": 0.15,
        "roi_heads.box_predictor.cls_score.weight": 0.7,
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
TRAINED = [(layer, block, conv) for layer in (2, 3, 4) for block in (0, 1) for conv in (1, 2)]
# Of what is normalised these matter at test time only: the made-up running statistics do not know of the shifts.
SCALES["fpn_v2"].update(
    {
        **{f"backbone.body.layer{layer}.{block}.conv{conv}.weight": 0.3 for layer, block, conv in TRAINED},
        **{f"backbone.body.layer{layer}.0.downsample.0.weight": 0.3 for layer in (2, 3, 4)},
        **{f"backbone.fpn.inner_blocks.{level}.0.weight": 0.3 for level in range(4)},
        **{f"backbone.fpn.layer_blocks.{level}.0.weight": 0.5 for level in range(4)},
        **{f"roi_heads.box_head.{layer}.0.weight": 0.7 for layer in range(4)},
    }
)
# Added to biases, so that nearly all units of a layer are on: few of so many can then be near the border where they turn,
# which batch norms, whose statistics round too, would move them across.
SHIFTS = {
    "fpn_v2": {
        **{f"backbone.body.layer{layer}.{block}.bn{norm}.bias": 3.5 for layer, block, norm in TRAINED},
        **{f"roi_heads.box_head.{layer}.1.bias": 3.5 for layer in range(4)},
        "roi_heads.box_head.5.bias": 3,
        "rpn.head.conv.0.0.bias": 2,
        "rpn.head.conv.1.0.bias": 3,
    }
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
    "dc5": [
        ("backbone.layer2.0.conv1", "backbone.layer2.0.bn1"),
        ("backbone.layer4.0.conv1", "backbone.layer4.0.bn1"),
        ("backbone.layer4.0.downsample.0", "backbone.layer4.0.downsample.1"),
        ("backbone.layer4.1.conv2", "backbone.layer4.1.bn2"),
        ("rpn.head.conv.0.0", None),
        ("rpn.head.cls_logits", None),
        ("rpn.head.bbox_pred", None),
        ("roi_heads.box_head.fc6", None),
        ("roi_heads.box_predictor.cls_score", None),
        ("roi_heads.box_predictor.bbox_pred", None),
    ],
    "fpn_v2": [
        ("backbone.body.layer2.0.conv1", None),
        ("backbone.body.layer3.1.bn2", None),
        ("backbone.body.layer4.1.conv2", None),
        ("backbone.fpn.inner_blocks.0.0", None),
        ("backbone.fpn.inner_blocks.2.1", None),
        ("backbone.fpn.layer_blocks.1.0", None),
        ("rpn.head.conv.0.0", None),
        ("rpn.head.conv.1.0", None),
        ("rpn.head.bbox_pred", None),
        ("roi_heads.box_head.0.0", None),
        ("roi_heads.box_head.3.1", None),
        ("roi_heads.box_head.5", None),
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


class OneBox(nn.Module):
    """One box for all classes: the same for each."""

    def __init__(self, channels, labels):
        super().__init__()
        self.cls_score = nn.Linear(channels, labels)
        self.bbox_pred = nn.Linear(channels, 4)

    def forward(self, vectors):
        logits = self.cls_score(vectors)
        return logits, self.bbox_pred(vectors).repeat(1, logits.shape[1])


def dc5():
    resnet = torchvision.models.resnet18(norm_layer=FrozenBatchNorm2d)
    for module in resnet.layer4.modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)
            if module.kernel_size == (3, 3):
                module.dilation = module.padding = (2, 2)
    names = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
    backbone = nn.Sequential(OrderedDict((name, getattr(resnet, name)) for name in names))
    backbone.out_channels = 512
    pool = MultiScaleRoIAlign(["0"], output_size=7, sampling_ratio=0)
    model = FasterRCNN(
        backbone,
        rpn_anchor_generator=AnchorGenerator(((32, 64, 128, 256, 512),), ((0.5, 1.0, 2.0),)),
        box_roi_pool=pool,
        box_head=TwoMLPHead(512 * 7 * 7, 1024),
        box_predictor=OneBox(1024, CLASSES + 1),
        image_mean=[0, 0, 0],
        image_std=[1, 1, 1],
        **SETTINGS,
    )
    # torchvision's module cannot be told to align.
    pool.forward = lambda features, boxes, _: roi_align(features["0"], boxes, 7, 1 / 16, 0, True)
    return model


def fpn():
    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=5)
    return FasterRCNN(backbone, CLASSES + 1, image_mean=[0, 0, 0], image_std=[1, 1, 1], **SETTINGS)


def fpn_v2():
    backbone = _resnet_fpn_extractor(torchvision.models.resnet18(), 5, norm_layer=nn.BatchNorm2d)
    anchors = _default_anchorgen()
    model = FasterRCNN(
        backbone,
        CLASSES + 1,
        rpn_anchor_generator=anchors,
        rpn_head=RPNHead(backbone.out_channels, anchors.num_anchors_per_location()[0], conv_depth=2),
        box_head=FastRCNNConvFCHead((backbone.out_channels, 7, 7), [256] * 4, [1024], norm_layer=nn.BatchNorm2d),
        image_mean=[0, 0, 0],
        image_std=[1, 1, 1],
        **SETTINGS,
    )
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Every batch is tested with the same running statistics.
            module.momentum = 0
    return model


def l1(said, goals):
    return nn.functional.l1_loss(said, goals, reduction="sum")


def giou(said, goals, references):
    coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
    boxes, truths = (coder.decode_single(deltas, references) for deltas in (said, goals))
    return generalized_box_iou_loss(boxes, truths, reduction="sum")


# Norms of a batch's own statistics round too, on each processor in another way, and a unit that turns is seen at 1e-4.
CHOICES = {"dc5": {"rpn_box_loss": l1, "head_box_loss": giou}, "fpn_v2": {"relu_margin": 2.5e-5}}


def shapes_of(model):
    """Of all that a file of the model holds but the counters of batches, which frozen norms lack and nobody reads."""
    return {name: list(value.shape) for name, value in model.state_dict().items() if "num_batches" not in name}


def main():
    torch.set_num_threads(1)
    for name in ("fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2"):
        large = getattr(torchvision.models.detection, name)(weights=None, weights_backbone=None)
        parameters = sum(parameter.numel() for parameter in large.parameters())
        write(name, {"parameters": parameters, "weights": shapes_of(large)})
    makers = {"c4": c4, "dc5": dc5, "fpn": fpn, "fpn_v2": fpn_v2}
    for kind in sys.argv[1:] or makers:
        model = makers[kind]().double()
        model.transform.resize = lambda image, target: (image, target)
        shapes = shapes_of(model)
        scales, shifts = SCALES[kind], SHIFTS.get(kind, {})
        made_up = {
            name: weight(name, tuple(shape), scales.get(name, 1.0), shifts.get(name, 0.0)).double()
            for name, shape in shapes.items()
        }
        model.load_state_dict({**model.state_dict(), **made_up})
        for name, parameter in model.named_parameters():
            # What torchvision freezes by default when it starts from a trained backbone.
            parameter.requires_grad_(not re.match(r"backbone\.(body\.)?(conv1|bn1|layer1)\.", name))
        case = Case(kind, model, SETTINGS, GRADIENTS[kind], **CHOICES.get(kind, {}))
        batches = [clear_batch(case, batch, sizes) for batch, sizes in BATCHES]
        kept = {"classes": CLASSES, "settings": SETTINGS, "scales": scales, "shifts": shifts, "weights": shapes}
        write(kind, {**kept, "batches": batches})


main()
