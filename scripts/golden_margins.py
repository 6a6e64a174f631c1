"""How near a detector's computation comes to decisions that rounding could turn."""

import torch
from torch import nn
from torchvision.ops import box_iou
from torchvision.ops import boxes as box_ops


LIMITS = {"nms overlap": 1e-5, "nms score": 1e-6, "kept score": 3e-6, "top n": 1e-5, "match": 1e-5, "level": 1e-5, "score": 1e-5}


class Unclear(Exception):
    """A decision that rounding could turn."""


class Margins:
    """How near the computation may come to a decision that rounding could turn."""

    def __init__(self, relu=2.5e-6):
        self.limits = {**LIMITS, "relu": relu}

    def note(self, what, distances):
        """Raises Unclear at the first that is too near: nothing more need be computed then."""
        if distances.numel() and (least := float(distances.min())) < self.limits[what]:
            raise Unclear(f"{what} {least:.2g}")

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


plain_nms = box_ops.batched_nms
plain_relu = nn.functional.relu
