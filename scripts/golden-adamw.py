"""Writes test/golden/adamw.json: weights after each of a few steps of torch.optim.AdamW and SGD, at rates that differ by part.

Run from the repository root with any torch (Debian: python3-torch): python3 scripts/golden-adamw.py
"""

import json
import platform

import torch

from made_up import made_up, numbers

STEPS = 5
RATES = [0.1, 0.1, 0.05, 0.02, 0.02]
FACTORS = {"backbone.conv.weight": 0.1, "head.weight": 1.0, "head.bias": 2.0}
COUNTS = {"backbone.conv.weight": 6, "head.weight": 4, "head.bias": 3}


def train(make):
    """The weights after each step; biases do not decay."""
    weights = {
        name: torch.nn.Parameter(torch.tensor(made_up(name, count), dtype=torch.float64)) for name, count in COUNTS.items()
    }
    groups = [
        {"params": [weight], **({"weight_decay": 0.0} if name.endswith("bias") else {})} for name, weight in weights.items()
    ]
    optimizer = make(groups)
    after = []
    for step in range(STEPS):
        for group, factor in zip(optimizer.param_groups, FACTORS.values()):
            group["lr"] = RATES[step] * factor
        for name, weight in weights.items():
            weight.grad = torch.tensor(made_up(f"{name} {step}", COUNTS[name]), dtype=torch.float64)
        optimizer.step()
        after.append({name: numbers(weight.detach()) for name, weight in weights.items()})
    return after


golden = {
    "versions": {"python": platform.python_version(), "torch": torch.__version__},
    "rates": RATES,
    "factors": FACTORS,
    "counts": COUNTS,
    "adamw": train(lambda groups: torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.05)),
    "sgd": train(lambda groups: torch.optim.SGD(groups, lr=1.0, momentum=0.9, weight_decay=0.05)),
}
with open("test/golden/adamw.json", "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
