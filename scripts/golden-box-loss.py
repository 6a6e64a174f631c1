"""Writes test/golden/detector/box-loss.json: losses on boxes by torch and torchvision, with their gradients.

Run from the repository root with any torch and torchvision (Debian: python3-torchvision): python3 scripts/golden-box-loss.py
"""

import torch
from torch.nn import functional
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import generalized_box_iou_loss

from golden_values import write
from made_up import numbers

# Anchor or proposal, truth, and what was said: near, far beside it, inside it, grown beyond the limit, exactly right.
REFERENCES = [[10, 20, 50, 60], [0, 0, 16, 16], [30, 30, 90, 70], [5, 5, 15, 25], [100, 100, 140, 180]]
TRUTHS = [[12, 18, 55, 66], [60, 70, 90, 95], [20.5, 25, 100, 80], [4, 6, 16, 24], [90, 110, 150, 190]]
SAID = [[0.02, 0.1, 0.3, -0.1], [0.5, -0.4, 0.2, 0.1], [0.05, 0.02, -0.8, -0.6], [0.1, -0.2, 4.5, 0.1], None]
CODERS = {"rpn": (1.0, 1.0, 1.0, 1.0), "roi": (10.0, 10.0, 5.0, 5.0)}
CASES = [
    {"type": "smooth_l1", "beta": 1 / 9},
    {"type": "smooth_l1", "beta": 1},
    {"type": "l1", "beta": 1},
    {"type": "giou", "beta": 1},
]


def loss(case, said, goals, coder, references, truths):
    if case["type"] == "smooth_l1":
        return functional.smooth_l1_loss(said, goals, beta=case["beta"], reduction="sum")
    if case["type"] == "l1":
        return functional.l1_loss(said, goals, reduction="sum")
    return generalized_box_iou_loss(coder.decode_single(said, references), truths, reduction="sum")


def main():
    references, truths = (torch.tensor(boxes).double() for boxes in (REFERENCES, TRUTHS))
    found = []
    for name, weights in CODERS.items():
        coder = BoxCoder(weights)
        goals = coder.encode_single(truths, references)
        rows = [goal if row is None else torch.tensor(row).double() * torch.tensor(weights) for row, goal in zip(SAID, goals)]
        for case in CASES:
            said = torch.stack(rows).requires_grad_()
            total = loss(case, said, goals, coder, references, truths)
            total.backward()
            found.append(
                {"coder": name, **case, "said": numbers(said, 9), "loss": float(f"{total:.9g}"), "gradient": numbers(said.grad)}
            )
    write("box-loss", {"references": REFERENCES, "truths": TRUTHS, "cases": found})


main()
