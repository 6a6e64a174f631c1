"""Writes test/golden/fusion.json: weighted boxes fusion of made-up detections by the package ensemble-boxes of its authors.

Run with ensemble-boxes and numpy: python3 scripts/golden-fusion.py
"""

import json
import pathlib
from importlib.metadata import version

import numpy as np
from ensemble_boxes import weighted_boxes_fusion

# How many detections each list has.
CASES = [[12, 9], [7, 7, 7], [20], [10, 0, 15, 3], [0, 0]]
THRESHOLDS = [0.55, 0.3]
SIDE = 100

random = np.random.default_rng(2)


def found(objects, count):
    """Detections near objects, so that lists agree here and there."""
    chosen = objects[random.integers(0, len(objects), count)]
    boxes = np.clip(chosen[:, :4] + random.uniform(-6, 6, (count, 4)), 0, SIDE)
    boxes = np.round(np.hstack([np.minimum(boxes[:, :2], boxes[:, 2:] - 1), boxes[:, 2:]]), 2).clip(0, SIDE)
    return boxes, np.round(random.uniform(0.05, 1, count), 4), chosen[:, 4].astype(int)


def case(counts, threshold):
    corners = random.uniform(0, 60, (6, 2))
    objects = np.hstack([corners, corners + random.uniform(15, 40, (6, 2)), random.integers(1, 3, (6, 1))])
    lists = [found(objects, count) for count in counts]
    boxes, scores, labels = weighted_boxes_fusion(
        [boxes / SIDE for boxes, _, _ in lists], [scores for _, scores, _ in lists], [labels for _, _, labels in lists], iou_thr=threshold
    )
    return {
        "threshold": threshold,
        "lists": [{"boxes": b.flatten().tolist(), "scores": s.tolist(), "labels": l.tolist()} for b, s, l in lists],
        "fused": {
            "boxes": [float(f"{value:.6g}") for value in (SIDE * boxes).flatten()],
            "scores": [float(f"{value:.6g}") for value in scores],
            "labels": [int(label) for label in labels],
        },
    }


result = {"ensemble-boxes": version("ensemble-boxes"), "cases": [case(counts, threshold) for counts in CASES for threshold in THRESHOLDS]}
target = pathlib.Path(__file__).parent.parent / "test" / "golden" / "fusion.json"
target.write_text(json.dumps(result, separators=(",", ":")) + "\n")
