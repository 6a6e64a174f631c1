"""torchvision's detector of a configuration of ours, for the peers of the benchmarks."""

from collections import OrderedDict

import torchvision
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.resnet import Bottleneck
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign


class Conv5(nn.Module):
    """layer4 on every region, then the mean over its cells."""

    def __init__(self, layer4):
        super().__init__()
        self.layer4 = layer4

    def forward(self, pooled):
        return self.layer4(pooled).mean([2, 3])


def stride_in(config, part):
    """Moves the stride of bottleneck blocks to where the configuration has it; torchvision's is in the 3x3."""
    if config["strideIn"] == "3x3":
        return
    for block in part.modules():
        if isinstance(block, Bottleneck):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride


def with_group_norm(part):
    """Group norm in the place of each batch norm."""
    for module in part.modules():
        for name, norm in module.named_children():
            if isinstance(norm, FrozenBatchNorm2d):
                setattr(module, name, nn.GroupNorm(32, norm.weight.numel()))


def build(config, labels):
    options = config["options"]
    proposals, select, align = options["proposals"]["test"], options["select"], options["align"]
    settings = dict(
        min_size=config["size"],
        max_size=config["maxSize"],
        rpn_pre_nms_top_n_test=proposals["preNmsTopN"],
        rpn_post_nms_top_n_test=proposals["postNmsTopN"],
        rpn_pre_nms_top_n_train=options["proposals"]["train"]["preNmsTopN"],
        rpn_post_nms_top_n_train=options["proposals"]["train"]["postNmsTopN"],
        box_batch_size_per_image=options["roi"]["sample"]["batchSizePerImage"],
        box_score_thresh=select["score"],
        box_nms_thresh=select["nmsThreshold"],
        box_detections_per_img=select["maxDetections"],
        image_mean=config["input"]["mean"],
        image_std=config["input"]["std"],
    )
    name, kind = config["model"].split("_")[1:]
    anchors = options["anchors"]
    if kind == "fpn":
        backbone = resnet_fpn_backbone(backbone_name=name, weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=5)
        stride_in(config, backbone)
        sizes = tuple((size,) for size in anchors["sizes"])
        generator = AnchorGenerator(sizes, (tuple(anchors["ratios"]),) * len(sizes))
        return FasterRCNN(backbone, labels, rpn_anchor_generator=generator, **settings)
    resnet = getattr(torchvision.models, name)(norm_layer=FrozenBatchNorm2d)
    parts = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"]
    backbone = nn.Sequential(OrderedDict((part, getattr(resnet, part)) for part in parts))
    width = resnet.fc.in_features
    backbone.out_channels = width // 2
    stride_in(config, backbone)
    stride_in(config, resnet.layer4)
    if config["conv5Norm"] == "group":
        with_group_norm(resnet.layer4)
    return FasterRCNN(
        backbone,
        rpn_anchor_generator=AnchorGenerator((tuple(anchors["sizes"]),), (tuple(anchors["ratios"]),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], output_size=align["size"], sampling_ratio=align["samplingRatio"]),
        box_head=Conv5(resnet.layer4),
        box_predictor=FastRCNNPredictor(width, labels),
        **settings,
    )
