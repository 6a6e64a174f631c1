"""What a torchvision detector does with a batch of made-up pictures, stage by stage."""

import contextlib
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Callable
from unittest import mock

import torch
from torch import nn
from torchvision.models.detection import roi_heads, rpn
from torchvision.ops import boxes as box_ops

from golden_margins import Margins, Unclear
from golden_values import sampled, weight_gradient
from made_up import images as made_up_images
from made_up import numbers


@dataclass
class Case:
    """A detector with its made-up weights."""

    name: str
    model: nn.Module
    # torchvision's arguments that are not its defaults.
    settings: dict
    # Layers whose weights' gradients are kept, each with the frozen norm that is folded into it, if any.
    gradients: list
    # Box losses in place of smooth L1: of deltas and their goals, and of these and the boxes they move.
    rpn_box_loss: Callable = None
    head_box_loss: Callable = None
    # How far from the border every unit must be, of the units' usual size.
    relu_margin: float = 2.5e-6


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


def run_batch(case, batch, sizes, margins):
    model = case.model
    pictures = [made_up_images(f"{case.name} {batch} {n}", 3, *size).double() for n, size in enumerate(sizes)]
    kept = {}
    hooks = [
        model.backbone.register_forward_hook(lambda _, given, result: kept.update(features=result)),
        model.rpn.head.register_forward_hook(lambda _, given, result: kept.update(rpn=result)),
        model.rpn.register_forward_hook(lambda _, given, result: kept.update(proposals=result[0])),
        model.rpn.anchor_generator.register_forward_hook(lambda _, given, result: kept.update(anchors=result)),
        model.roi_heads.box_roi_pool.register_forward_hook(lambda _, given, result: kept.update(pooled=result, regions=given[1])),
        model.roi_heads.box_head.register_forward_hook(lambda _, given, result: kept.update(vectors=result)),
        model.roi_heads.box_predictor.register_forward_hook(lambda _, given, result: kept.update(said=result)),
    ]
    try:
        return stages(case, batch, pictures, sizes, kept, margins)
    finally:
        for hook in hooks:
            hook.remove()


def stages(case, batch, pictures, sizes, kept, margins):
    model = case.model
    model.eval()
    with torch.no_grad():
        detections = model(pictures)
    features = kept["features"]
    levels = [features] if torch.is_tensor(features) else list(features.values())
    logits, deltas = kept["rpn"]
    for level, top in zip(logits, [case.settings["rpn_pre_nms_top_n_test"]] * len(logits)):
        own = level.permute(0, 2, 3, 1).flatten(1)
        margins.topk(own, top, 1)
        margins.topk(own, case.settings["rpn_pre_nms_top_n_train"], 1)
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
    margins.note("score", (kept["said"][0].softmax(1) - case.settings["box_score_thresh"]).abs())
    if len(levels) > 1:
        for boxes in kept["proposals"]:
            scale = torch.log2(box_ops.box_area(boxes).sqrt() / 224) + 4
            margins.note("level", (scale - scale.round()).abs())
    truths = targets_for(kept["proposals"], sizes)
    result["truths"] = [{"boxes": numbers(t["boxes"]), "labels": t["labels"].tolist()} for t in truths]
    result["training"] = training(case, pictures, truths, kept, margins)
    return result


def training(case, pictures, truths, kept, margins):
    model = case.model
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

    def head_box_loss(said, goals, **_):
        foreground = torch.cat(regions["labels"]) > 0
        return case.head_box_loss(said, goals, torch.cat(regions["boxes"])[foreground])

    patches = [
        mock.patch.object(model.rpn, "compute_loss", keep_anchors),
        mock.patch.object(model.roi_heads, "select_training_samples", keep_regions),
    ]
    if case.rpn_box_loss:
        patches.append(instead_of_smooth_l1(rpn, lambda said, goals, **_: case.rpn_box_loss(said, goals)))
    if case.head_box_loss:
        patches.append(instead_of_smooth_l1(roi_heads, head_box_loss))
    model.train()
    model.zero_grad()
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
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
        "gradients": {f"{layer}.weight": folded_gradient(model, layer, norm) for layer, norm in case.gradients},
    }


def instead_of_smooth_l1(module, loss):
    return mock.patch.object(module, "F", SimpleNamespace(**{**vars(nn.functional), "smooth_l1_loss": loss}))


def folded_gradient(model, layer, norm):
    """The gradient of a filter with its norm folded in: that of the bare filter divided by the norm's factor."""
    gradient = model.get_submodule(layer).weight.grad
    if norm is not None:
        own = model.get_submodule(norm)
        gradient = gradient / (own.weight / (own.running_var + own.eps).sqrt())[:, None, None, None]
    return weight_gradient(gradient)


def scrambled(count, **_):
    """An order that is no more than mixed; `fixedChoice` in test/support/golden-detector.ts leads to the same."""
    order = list(range(count))
    for i in range(count - 1):
        left = count - i
        j = i + (left * 0x9E3779B1 & 0xFFFFFFFF) % left
        order[i], order[j] = order[j], order[i]
    return torch.tensor(order)


def clear_batch(case, batch, sizes):
    """The first pixels by which nothing hangs on the last bits."""
    for attempt in range(1000):
        margins = Margins(case.relu_margin)
        patches = [
            mock.patch.object(box_ops, "batched_nms", margins.nms),
            mock.patch.object(nn.functional, "relu", margins.relu),
            mock.patch("torch.randperm", scrambled),
        ]
        with contextlib.ExitStack() as stack:
            for patch in patches:
                stack.enter_context(patch)
            try:
                return run_batch(case, f"{batch} {attempt}", sizes, margins)
            except Unclear as near:
                print(f"{case.name} {batch} {attempt}: {near}", file=sys.stderr)
    raise SystemExit(f"{case.name} {batch}: no pixels found by which every decision is clear")
