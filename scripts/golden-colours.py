"""Writes test/golden/colours.json: a made-up picture after each change of colours by torchvision.

Run from the repository root with any torch and torchvision (Debian: python3-torchvision): python3 scripts/golden-colours.py
"""

import json

import torch
from torchvision.transforms import functional

from golden_values import versions
from made_up import made_up

SIDE = 6
pixels = [int((value + 0.5) * 256) for value in made_up("colours", SIDE * SIDE * 3)]
image = torch.tensor(pixels, dtype=torch.uint8).reshape(SIDE, SIDE, 3).permute(2, 0, 1)
CHANGES = [
    ("brightness", 0.875, functional.adjust_brightness),
    ("brightness", 1.125, functional.adjust_brightness),
    ("contrast", 0.5, functional.adjust_contrast),
    ("contrast", 1.5, functional.adjust_contrast),
    ("saturation", 0.5, functional.adjust_saturation),
    ("saturation", 1.5, functional.adjust_saturation),
    ("hue", -0.05, functional.adjust_hue),
    ("hue", 0.4, functional.adjust_hue),
]
cases = [
    {"change": name, "by": by, "pixels": adjust(image, by).permute(1, 2, 0).flatten().tolist()} for name, by, adjust in CHANGES
]
with open("test/golden/colours.json", "w") as file:
    json.dump({"versions": versions(), "side": SIDE, "cases": cases}, file, separators=(",", ":"))
    file.write("\n")
