"""Writes test/golden/resize.json: what PyTorch makes of a small image on its way into a detector.

Run with any torch: python3 scripts/golden-resize.py
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def case(height, width, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (1, 3, height, width), generator=generator)
    normalised = (pixels.float() / 255 - MEAN) / DEVIATION
    resized = F.interpolate(
        normalised, scale_factor=scale, mode="bilinear", recompute_scale_factor=True, align_corners=False
    )
    assert resized.shape[2:] == (math.floor(height * scale), math.floor(width * scale))
    rows = lambda t: t[0].permute(1, 2, 0).flatten().tolist()
    return {
        "height": height,
        "width": width,
        "outHeight": resized.shape[2],
        "outWidth": resized.shape[3],
        "pixels": rows(pixels),
        "values": [round(value, 6) for value in rows(resized)],
    }


cases = [case(7, 5, 1.75, 1), case(8, 11, 0.6, 2), case(5, 6, 1.0, 3), case(3, 4, 0.34, 4)]
target = pathlib.Path(__file__).parent.parent / "test" / "golden" / "resize.json"
target.write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
