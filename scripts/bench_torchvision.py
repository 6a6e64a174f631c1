"""torchvision's detector of a configuration of ours, for the peers of the benchmarks."""

from collections import OrderedDict

import torchvision
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign


class Conv5(nn.Module):
    """layer4 on every region, then the mean over its cells."""

    def __init__(self, layer4):
        super().__init__()
        self.layer4 = layer4

    def forward(self, pooled):
        return self.layer4(pooled).mean([2, 3])


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
    )
    name, kind = config["model"].split("_")[1:]
    if kind == "fpn":
        backbone = resnet_fpn_backbone(backbone_name=name, weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=5)
        return FasterRCNN(backbone, labels, **settings)
    resnet = getattr(torchvision.models, name)(norm_layer=FrozenBatchNorm2d)
    parts = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"]
    backbone = nn.Sequential(OrderedDict((part, getattr(resnet, part)) for part in parts))
    width = resnet.fc.in_features
    backbone.out_channels = width // 2
    anchors = options["anchors"]
    return FasterRCNN(
        backbone,
        rpn_anchor_generator=AnchorGenerator((tuple(anchors["sizes"]),), (tuple(anchors["ratios"]),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], output_size=align["size"], sampling_ratio=align["samplingRatio"]),
        box_head=Conv5(resnet.layer4),
        box_predictor=FastRCNNPredictor(width, labels),
        **settings,
    )
