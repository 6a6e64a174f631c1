"""Writes test/golden/detector/pooling.json: torchvision's RoIAlign and RoIPool by themselves, with their gradients.

Run from the repository root with any torch and torchvision (Debian: python3-torchvision): python3 scripts/golden-pooling.py
"""

from collections import OrderedDict

import torch
from torchvision.ops import MultiScaleRoIAlign, roi_align, roi_pool

from golden_values import sampled, write
from made_up import images as made_up_images


# Which of two images, and x1, y1, x2, y2: in the middle, at and over the border, smaller than a cell, long and narrow,
# beside the map.
BOXES = [
    [0, 20, 10, 90, 70],
    [0, 0, 0, 128, 96],
    [1, 100.5, 60.25, 128, 96],
    [1, -20, -30, 40, 25],
    [0, 110, 80, 150, 120],
    [1, 33, 41, 38, 44],
    [0, 3, 2, 9, 30],
    [1, 2, 50, 127, 60],
    [0, 200, 150, 260, 190],
]


def cases():
    """Maps of stride 16; with 2x2 bins several points fit into each."""
    for ratio in (2, 0):
        for aligned in (False, True):
            for size in (2, 7, 14):
                yield {"operator": "align", "samplingRatio": ratio, "aligned": aligned, "size": size}
    for size in (2, 7):
        yield {"operator": "pool", "samplingRatio": 0, "aligned": False, "size": size}


def run(maps, operator, samplingRatio, aligned, size):
    boxes = torch.tensor(BOXES)
    if operator == "pool":
        return roi_pool(maps, boxes, size, 1 / 16)
    return roi_align(maps, boxes, size, 1 / 16, samplingRatio, aligned)


def pooled_regions():
    features = made_up_images("pooling", 2, 5, 6, 8)
    found = []
    for case in cases():
        maps = features.clone().requires_grad_()
        pooled = run(maps, **case)
        (pooled * made_up_images("pooling gradient", *pooled.shape)).sum().backward()
        found.append({"options": case, "pooled": sampled(pooled, 300), "gradient": sampled(maps.grad, 100)})
    return {"boxes": [b[1:] for b in BOXES], "images": [b[0] for b in BOXES], "cases": found}


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


write("pooling", {**pooled_regions(), "levels": pooling_on_levels()})
