"""Compares VOC's AP (2007's eleven points, 2010's area; difficult objects) with the devkit's rules, written here a second time.

Random cases, three IoU thresholds each. Needs numpy, and `npm run build` before:
    python scripts/verify/voc.py [COUNT]
Ends with 1 where a figure differs by more than 1e-12.
"""

import importlib.util
import sys
from pathlib import Path


def script(name):
    path = Path(__file__).parent.parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def overlap(a, b):
    """Of boxes whose corners are pixels that belong to them."""
    area = lambda box: max(0, box[2] - box[0] + 1) * max(0, box[3] - box[1] + 1)
    both = [max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])]
    shared = area(both)
    return shared / (area(a) + area(b) - shared)


def curve(case, label, threshold):
    """Recall and precision after each detection that counts; None without objects."""
    objects = [row for row in case["truths"] if row[1] == label]
    asked = sum(not difficult for _, _, difficult, _ in objects)
    if asked == 0:
        return None
    found, points, seen, hits = set(), [], 0, 0
    for image, _, _, box in sorted((row for row in case["detections"] if row[1] == label), key=lambda row: -row[2]):
        # A detection belongs to the object that it overlaps most, whether that is taken or not.
        near = [(overlap(box, row[3]), -i, i) for i, row in enumerate(objects) if row[0] == image]
        best, _, at = max(near, default=(0.0, 0, None))
        is_match = at is not None and best >= threshold
        if is_match and objects[at][2]:
            continue
        seen += 1
        if is_match and at not in found:
            found.add(at)
            hits += 1
        points.append((hits / asked, hits / seen))
    return points


def eleven(points):
    highest = lambda least: max((precision for recall, precision in points if recall >= least), default=0.0)
    return sum(highest(i * 0.1) / 11 for i in range(11))


def area(points):
    total, reached = 0.0, 0.0
    for i, (recall, _) in enumerate(points):
        if recall > reached:
            total += (recall - reached) * max(precision for _, precision in points[i:])
            reached = recall
    return total


def reference(case, thresholds):
    figures = []
    for threshold in thresholds:
        curves = [curve(case, label, threshold) for label in range(case["classes"])]
        ap = lambda of: [None if points is None else of(points) for points in curves]
        figures.append({"iouThreshold": threshold, "voc07": ap(eleven), "voc12": ap(area)})
    return figures


def main(count):
    golden, protocols = script("golden-eval-voc"), script("golden-eval-protocols")
    cases, expected = [], []
    for seed in range(protocols.FIRST_SEED, protocols.FIRST_SEED + count):
        made = golden.random_case(seed)
        truths, results = protocols.coco_file(made["truths"], made["images"], made["classes"])
        difficult = [row[2] for row in made["truths"]]
        cases.append({"protocol": "voc", "truths": truths, "results": results(made["detections"]), "difficult": difficult,
                      "iouThresholds": golden.THRESHOLDS})  # fmt: skip
        expected.append(reference(made, golden.THRESHOLDS))
    return protocols.compare(cases, expected, "VOC's rules written again")


if __name__ == "__main__":
    sys.exit(min(1, main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)))
