"""Writes test/golden/detector/*.json: what torchvision's Faster R-CNN does, stage by stage, with made-up weights.

`c4` is put together from torchvision's parts with conv5 in the box head, `fpn` is torchvision's own composition; both on
a ResNet-18 with frozen batch norms. Both samplers draw by a fixed rule instead of at random. Images enter at their own
size, unnormalised (resizing has golden values of its own). Nothing may hang on the last bits: pixels are
tried until `Margins` finds every decision clear.

Run from the repository root with any torch and torchvision (Debian: python3-torchvision): python3 scripts/golden-detector.py
"""

import contextlib
import json
import platform
import re
import sys
from collections import OrderedDict
from unittest import mock

import torch
import torchvision
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign, box_iou, roi_align
from torchvision.ops import boxes as box_ops

from made_up import images as made_up_images
from made_up import numbers, weight

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


def sampled(tensor, count=48):
    """Enough of a tensor to recognise it: shape, means, and every so-maniest value. Four axes come in the order NHWC."""
    if tensor.dim() == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    flat = tensor.detach().contiguous().flatten().double()
    every = max(1, flat.numel() // count) | 1
    return {
        "shape": list(tensor.shape),
        "mean": float(f"{flat.mean():.7g}"),
        "meanAbs": float(f"{flat.abs().mean():.7g}"),
        "every": every,
        "values": numbers(flat[::every]),
    }


def weight_gradient(tensor):
    """A filter's gradient with the axes HWIO, a matrix's as `[in, out]`."""
    flat = tensor.permute(2, 3, 1, 0) if tensor.dim() == 4 else tensor.t()
    return {**sampled(flat.reshape(-1)), "shape": list(flat.shape)}


class Margins:
    """How near the computation comes to a decision that rounding could turn."""

    def __init__(self):
        self.least = {}

    def note(self, what, distances):
        if distances.numel():
            self.least[what] = min(self.least.get(what, 1e9), float(distances.min()))

    def gaps(self, what, values):
        ordered = values.detach().double().flatten().sort().values
        self.note(what, ordered[1:] - ordered[:-1])

    def nms(self, boxes, scores, groups, threshold):
        kept = plain_nms(boxes, scores, groups, threshold)
        same = groups[:, None] == groups[None]
        off_diagonal = ~torch.eye(len(boxes), dtype=torch.bool)
        overlaps = box_iou(boxes, boxes)
        decides = torch.zeros_like(same)
        decides[kept] = True
        self.note("nms overlap", (overlaps - threshold).abs()[same & off_diagonal & decides])
        overlapping = same & off_diagonal & (overlaps > threshold)
        self.note("nms score", (scores[:, None] - scores[None]).abs()[overlapping & decides])
        self.gaps("kept score", scores[kept])
        return kept

    def topk(self, objectness, count, dim):
        if 0 < count < objectness.shape[dim]:
            ordered = objectness.sort(dim, descending=True).values
            self.note("top n", ordered.select(dim, count - 1) - ordered.select(dim, count))

    def overlap(self, boxes, truths, thresholds):
        overlaps = box_iou(boxes, truths).max(1).values
        for threshold in thresholds:
            self.note("match", (overlaps - threshold).abs())

    def relu(self, x, inplace=False):
        """A unit that is on in one computation and off in the other changes gradients by more than rounding does."""
        if x.requires_grad:
            self.note("relu", x.detach().abs() / x.detach().square().mean().sqrt())
        return plain_relu(x, inplace)

    def wide(self, what):
        limits = {"nms overlap": 1e-5, "nms score": 1e-6, "kept score": 3e-6, "top n": 1e-5, "match": 1e-5, "level": 1e-5, "score": 1e-5, "relu": 2.5e-6}
        print(what, {name: f"{least:.2g}" for name, least in self.least.items()}, file=sys.stderr)
        return all(least >= limits[name] for name, least in self.least.items())


plain_nms = box_ops.batched_nms
plain_relu = nn.functional.relu


def targets_for(proposals, sizes):
    """Truths beside some proposals, at a tenth of a pixel, so that there is foreground to learn from."""
    truths = []
    for boxes, (height, width) in zip(proposals, sizes):
        wide = torch.where((boxes[:, 2:] - boxes[:, :2] > 16).all(1))[0]
        picked = boxes[wide[[2, 5]]] + torch.tensor([[1.3, -2.1, 3.2, 1.7], [-2.4, 1.1, -1.6, 2.8]])
        limit = torch.tensor([width, height, width, height])
        picked = torch.min(picked.clamp(min=0.3), limit - 0.7)
        picked = (picked * 10).round() / 10
        truths.append({"boxes": picked, "labels": torch.tensor([1, 3])})
    return truths


def run_batch(model, kind, batch, sizes, margins):
    pictures = [made_up_images(f"{kind} {batch} {n}", 3, *size).double() for n, size in enumerate(sizes)]
    kept = {}
    handles = [
        model.backbone.register_forward_hook(lambda _, given, result: kept.update(features=result)),
        model.rpn.head.register_forward_hook(lambda _, given, result: kept.update(rpn=result)),
        model.rpn.register_forward_hook(lambda _, given, result: kept.update(proposals=result[0])),
        model.rpn.anchor_generator.register_forward_hook(lambda _, given, result: kept.update(anchors=result)),
        model.roi_heads.box_roi_pool.register_forward_hook(lambda _, given, result: kept.update(pooled=result, regions=given[1])),
        model.roi_heads.box_head.register_forward_hook(lambda _, given, result: kept.update(vectors=result)),
        model.roi_heads.box_predictor.register_forward_hook(lambda _, given, result: kept.update(said=result)),
    ]
    model.eval()
    with torch.no_grad():
        detections = model(pictures)
    features = kept["features"]
    levels = [features] if torch.is_tensor(features) else list(features.values())
    logits, deltas = kept["rpn"]
    for level, top in zip(logits, [SETTINGS["rpn_pre_nms_top_n_test"]] * len(logits)):
        own = level.permute(0, 2, 3, 1).flatten(1)
        margins.topk(own, top, 1)
        margins.topk(own, SETTINGS["rpn_pre_nms_top_n_train"], 1)
    result = {
        "name": batch,
        "sizes": sizes,
        "features": [sampled(level) for level in levels],
        "logits": [sampled(level) for level in logits],
        "deltas": [sampled(level) for level in deltas],
        "anchors": sampled(kept["anchors"][0].flatten(), 200),
        "proposals": [numbers(boxes) for boxes in kept["proposals"]],
        "pooled": sampled(kept["pooled"]),
        "vectors": sampled(kept["vectors"].flatten()),
        "classLogits": sampled(kept["said"][0].flatten(), 400),
        "boxDeltas": sampled(kept["said"][1].flatten(), 400),
        "detections": [
            {"boxes": numbers(d["boxes"]), "scores": numbers(d["scores"]), "labels": d["labels"].tolist()} for d in detections
        ],
    }
    margins.note("score", (kept["said"][0].softmax(1) - SETTINGS["box_score_thresh"]).abs())
    if len(levels) > 1:
        for boxes in kept["proposals"]:
            scale = torch.log2(box_ops.box_area(boxes).sqrt() / 224) + 4
            margins.note("level", (scale - scale.round()).abs())
    truths = targets_for(kept["proposals"], sizes)
    result["truths"] = [{"boxes": numbers(t["boxes"]), "labels": t["labels"].tolist()} for t in truths]
    result["training"] = training(model, kind, pictures, truths, kept, margins)
    for handle in handles:
        handle.remove()
    return result


def training(model, kind, pictures, truths, kept, margins):
    sampled_anchors = []
    compute_loss = model.rpn.compute_loss
    select = model.roi_heads.select_training_samples
    regions = {}

    def keep_anchors(objectness, deltas, labels, goals):
        for own, goal in zip(labels, goals):
            positive, negative = model.rpn.fg_bg_sampler([own])
            chosen = torch.where(positive[0])[0]
            sampled_anchors.append({"positives": chosen, "negatives": torch.where(negative[0])[0], "deltas": goal[chosen]})
        return compute_loss(objectness, deltas, labels, goals)

    def keep_regions(proposals, targets):
        for boxes, target in zip(proposals, targets):
            margins.overlap(boxes, target["boxes"], [0.5])
        result = select(proposals, targets)
        regions.update(boxes=result[0], labels=result[2], deltas=result[3])
        return result

    model.train()
    model.zero_grad()
    with mock.patch.object(model.rpn, "compute_loss", keep_anchors), mock.patch.object(
        model.roi_heads, "select_training_samples", keep_regions
    ):
        losses = model(pictures, truths)
    for anchors, target in zip(kept["anchors"], truths):
        margins.overlap(anchors, target["boxes"], [0.3, 0.7])
    sum(losses.values()).backward()
    ordered = []
    for boxes, labels, goals in zip(regions["boxes"], regions["labels"], regions["deltas"]):
        # Foreground first, as the order within the sample means nothing.
        foreground, background = torch.where(labels > 0)[0], torch.where(labels == 0)[0]
        order = torch.cat([foreground, background])
        ordered.append({"boxes": numbers(boxes[order]), "labels": labels[order].tolist(), "deltas": numbers(goals[foreground])})
    return {
        "proposals": [numbers(boxes) for boxes in kept["proposals"]],
        "anchors": [
            {"positives": own["positives"].tolist(), "negatives": own["negatives"].tolist(), "deltas": numbers(own["deltas"])}
            for own in sampled_anchors
        ],
        "regions": ordered,
        "losses": {name: float(f"{loss:.8g}") for name, loss in losses.items()},
        "gradients": {f"{layer}.weight": folded_gradient(model, layer, norm) for layer, norm in GRADIENTS[kind]},
    }


def folded_gradient(model, layer, norm):
    """The gradient of a filter with its norm folded in: that of the bare filter divided by the norm's factor."""
    gradient = model.get_submodule(layer).weight.grad
    if norm is not None:
        own = model.get_submodule(norm)
        gradient = gradient / (own.weight / (own.running_var + own.eps).sqrt())[:, None, None, None]
    return weight_gradient(gradient)


def pooling():
    """RoIAlign by itself: regions in the middle, at and over the border, smaller than a cell, in two images."""
    features = made_up_images("pooling", 2, 5, 6, 8)
    boxes = [
        [0, 20, 10, 90, 70],
        [0, 0, 0, 128, 96],
        [1, 100.5, 60.25, 128, 96],
        [1, -20, -30, 40, 25],
        [0, 110, 80, 150, 120],
        [1, 33, 41, 38, 44],
        [0, 3, 2, 9, 30],
    ]
    found = []
    for aligned in (False, True):
        for size in (7, 14):
            maps = features.clone().requires_grad_()
            pooled = roi_align(maps, torch.tensor(boxes), size, 1 / 16, 2, aligned)
            (pooled * made_up_images("pooling gradient", *pooled.shape)).sum().backward()
            found.append({"aligned": aligned, "size": size, "pooled": sampled(pooled, 300), "gradient": numbers(maps.grad.permute(0, 2, 3, 1))})
    return {"boxes": [b[1:] for b in boxes], "images": [b[0] for b in boxes], "cases": found, "levels": pooling_on_levels()}


def pooling_on_levels():
    """Regions of all sizes, two of them exactly where levels change, on P2 to P5 of a 512x640 image."""
    maps = [made_up_images(f"level {level}", 2, 3, 128 >> level, 160 >> level).requires_grad_() for level in range(4)]
    boxes = [
        [0, 30, 40, 142, 152],
        [1, 30, 40, 141.9, 152],
        [0, 10, 5, 234, 229],
        [1, 0, 0, 640, 512],
        [0, 0, 0, 448, 448],
        [1, 300, 200, 308, 210],
        [0, 100, 60, 420, 90],
        [1, 50.5, 60.25, 380, 400.75],
        [0, 630, 500, 700, 600],
    ]
    per_image = [torch.tensor([b[1:] for b in boxes if b[0] == n]) for n in (0, 1)]
    pool = MultiScaleRoIAlign(["0", "1", "2", "3"], output_size=7, sampling_ratio=2)
    pooled = pool(OrderedDict((str(level), own) for level, own in enumerate(maps)), per_image, [(512, 640)] * 2)
    (pooled * made_up_images("level gradient", *pooled.shape)).sum().backward()
    return {
        "boxes": [box for own in per_image for box in own.tolist()],
        "images": [n for n, own in enumerate(per_image) for _ in own],
        "of": [2 + level for level in pool.map_levels(per_image).tolist()],
        "pooled": sampled(pooled, 300),
        "gradients": [sampled(own.grad, 100) for own in maps],
    }


def scrambled(count, **_):
    """An order that is no more than mixed; `fixedChoice` in test/support/golden-detector.ts leads to the same."""
    order = list(range(count))
    for i in range(count - 1):
        left = count - i
        j = i + (left * 0x9E3779B1 & 0xFFFFFFFF) % left
        order[i], order[j] = order[j], order[i]
    return torch.tensor(order)


def clear_batch(model, kind, batch, sizes):
    """The first pixels by which nothing hangs on the last bits."""
    for attempt in range(1000):
        margins = Margins()
        patches = [
            mock.patch.object(box_ops, "batched_nms", margins.nms),
            mock.patch.object(nn.functional, "relu", margins.relu),
            mock.patch("torch.randperm", scrambled),
        ]
        with contextlib.ExitStack() as stack:
            for patch in patches:
                stack.enter_context(patch)
            result = run_batch(model, kind, f"{batch} {attempt}", sizes, margins)
        if margins.wide(f"{kind} {batch} {attempt}"):
            return result
    raise SystemExit(f"{kind} {batch}: no pixels found by which every decision is clear")


def main():
    torch.set_num_threads(1)
    versions = {"python": platform.python_version(), "torch": torch.__version__, "torchvision": torchvision.__version__}
    write("pooling", {"versions": versions, **pooling()})
    large = torchvision.models.detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    # The published weights have frozen norms, which count nothing.
    shapes = {name: list(value.shape) for name, value in large.state_dict().items() if "num_batches" not in name}
    write("fasterrcnn_resnet50_fpn", {"versions": versions, "weights": shapes})
    for kind, make in (("c4", c4), ("fpn", fpn)):
        model = make().double()
        model.transform.resize = lambda image, target: (image, target)
        state = model.state_dict()
        model.load_state_dict({name: weight(name, tuple(value.shape), SCALES[kind].get(name, 1.0)).double() for name, value in state.items()})
        for name, parameter in model.named_parameters():
            # What torchvision freezes by default when it starts from a trained backbone.
            parameter.requires_grad_(not re.match(r"backbone\.(body\.)?(conv1|layer1)\.", name))
        batches = [clear_batch(model, kind, batch, sizes) for batch, sizes in BATCHES]
        shapes = {name: list(value.shape) for name, value in state.items()}
        write(kind, {"versions": versions, "classes": CLASSES, "settings": SETTINGS, "scales": SCALES[kind], "weights": shapes, "batches": batches})


def write(name, value):
    with open(f"test/golden/detector/{name}.json", "w") as file:
        json.dump(value, file, separators=(",", ":"))
        file.write("\n")


main()
