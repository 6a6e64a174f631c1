"""Writes test/golden/crops.json: what torchvision's test transforms make of small made-up images.

Sizes of 14 out of 16 stand for 224 out of 256. Run with any torch, torchvision and Pillow (Debian: python3-torchvision):
python3 scripts/golden-crops.py
"""
import base64
import json
import pathlib

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms

RESIZE, SIZE = 16, 14


def case(height, width, seed):
    pixels = np.random.RandomState(seed).randint(0, 256, (height, width, 3), dtype=np.uint8)
    resized = transforms.Resize(RESIZE)(Image.fromarray(pixels))
    ten = transforms.TenCrop(SIZE)(resized)
    centre = transforms.CenterCrop(SIZE)(resized)
    return {
        "height": height,
        "width": width,
        "pixels": packed(pixels),
        "resized": {"height": resized.height, "width": resized.width, "pixels": packed(resized)},
        "centre": packed(centre),
        # By the sum of each colour and one corner pixel: enough to tell any two places or mirrorings apart.
        "ten": [[*np.asarray(crop).sum((0, 1)).tolist(), *np.asarray(crop)[0, 0].tolist()] for crop in ten],
    }


def packed(image):
    return base64.b64encode(np.ascontiguousarray(image).tobytes()).decode()


result = {
    "versions": {"torch": torch.__version__, "torchvision": torchvision.__version__, "pillow": PIL.__version__},
    "resize": RESIZE,
    "size": SIZE,
    # Smaller, larger in both, exactly 16, and rests that are odd and even.
    "cases": [case(27, 43, 1), case(53, 32, 2), case(9, 13, 3), case(16, 19, 4), case(64, 20, 5)],
}
target = pathlib.Path(__file__).parent.parent / "test" / "golden" / "crops.json"
target.write_text(json.dumps(result, separators=(",", ":")) + "\n")
