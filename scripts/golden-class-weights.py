"""Writes test/golden/detector/class-weights.json: cross entropy with weights of classes by torch, with its gradient.

Run from the repository root with any torch and torchvision: python3 scripts/golden-class-weights.py
"""

import torch
from torch.nn import functional

from golden_values import write
from made_up import made_up, numbers

LABELS = [0, 2, 1, 0, 0, 3, 1, 0]
CASES = [None, [1, 2, 0.5, 7], [1, 1, 1, 1], [0.1, 3, 3, 0.01]]


def main():
    labels = torch.tensor(LABELS)
    values = torch.from_numpy(6 * made_up("logits", 4 * len(LABELS))).reshape(-1, 4).round(decimals=3)
    found = []
    for weights in CASES:
        logits = values.clone().requires_grad_()
        given = None if weights is None else torch.tensor(weights).double()
        loss = functional.cross_entropy(logits, labels, weight=given)
        loss.backward()
        found.append({"weights": weights, "loss": float(f"{loss:.9g}"), "gradient": numbers(logits.grad, 9)})
    write("class-weights", {"labels": LABELS, "logits": numbers(values), "cases": found})


main()
