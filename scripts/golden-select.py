"""Writes test/golden/select.json: soft-NMS and box voting of made-up boxes, computed from the papers' formulas in numpy.

Run with any numpy: python3 scripts/golden-select.py
"""
import json
import pathlib

import numpy as np

SIGMA, FLOOR, VOTE = 0.5, 0.001, 0.5


def ious(box, boxes):
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    area = lambda b: np.prod(b[..., 2:] - b[..., :2], axis=-1)
    return shared / (area(box) + area(boxes) - shared)


def soft_nms(boxes, scores, decay, threshold):
    """Bodla et al. 2017, Figure 2: take the best of what is left, weigh down the rest; those below FLOOR leave."""
    scores, left, kept = scores.copy(), list(range(len(scores))), []
    while left := [i for i in left if scores[i] >= FLOOR]:
        best = max(left, key=lambda i: scores[i])
        left.remove(best)
        kept.append((best, scores[best]))
        for i in left:
            overlap = ious(boxes[best], boxes[i : i + 1])[0]
            if decay == "gaussian":
                scores[i] *= np.exp(-(overlap**2) / SIGMA)
            elif overlap > threshold:
                scores[i] *= 1 - overlap
    return {"kept": [k for k, _ in kept], "scores": [round(float(s), 9) for _, s in kept]}


def vote(boxes, scores):
    """Gidaris and Komodakis 2015, section 5: the weighted mean of the neighbours."""
    voted = []
    for box in boxes:
        near = ious(box, boxes) >= VOTE
        voted.append(np.average(boxes[near], axis=0, weights=scores[near]).tolist())
    return [[round(value, 6) for value in box] for box in voted]


random = np.random.default_rng(1)
corners = random.uniform(0, 60, (40, 2))
boxes = np.round(np.hstack([corners, corners + random.uniform(5, 40, (40, 2))]), 2)
scores = np.round(random.uniform(0.05, 1, 40), 4)
result = {
    "numpy": np.__version__,
    "boxes": boxes.flatten().tolist(),
    "scores": scores.tolist(),
    "linear": soft_nms(boxes, scores, "linear", 0.3),
    "gaussian": soft_nms(boxes, scores, "gaussian", 0.3),
    "voted": vote(boxes, scores),
}
target = pathlib.Path(__file__).parent.parent / "test" / "golden" / "select.json"
target.write_text(json.dumps(result) + "\n")
