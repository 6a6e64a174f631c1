"""VOC's AP by ChainerCV, a port of the official devkit (>=, inclusive pixels, difficult objects), for random cases without
equal scores (it does not sort stably).

The package is only unpacked, since it needs nothing but numpy for this:
    python3 -m venv /tmp/golden-eval && /tmp/golden-eval/bin/pip install numpy six setuptools wheel cython
    /tmp/golden-eval/bin/pip download --no-deps --no-build-isolation --no-binary :all: chainercv==0.13.1 -d /tmp/chainercv
    tar xzf /tmp/chainercv/chainercv-0.13.1.tar.gz -C /tmp/chainercv
    /tmp/golden-eval/bin/python scripts/golden-eval-voc.py /tmp/chainercv/chainercv-0.13.1 test/golden/eval/voc-random.json 25
"""

import importlib.util
import json
import os
import random
import sys
import types

import numpy as np

THRESHOLDS = [0.3, 0.5, 0.7]


def load(root):
    """ChainerCV's evaluation without the rest of it, which would import Chainer."""

    def module(name, path=None):
        if path is None:
            made = types.ModuleType(name)
        else:
            spec = importlib.util.spec_from_file_location(name, os.path.join(root, path))
            made = importlib.util.module_from_spec(spec)
        sys.modules[name] = made
        if path is not None:
            spec.loader.exec_module(made)
        return made

    for name in ["chainer", "chainercv", "chainercv.utils", "chainercv.utils.bbox"]:
        module(name)
    backends = module("chainer.backends")
    backends.cuda = types.SimpleNamespace(get_array_module=lambda *_: np)
    sys.modules["chainer"].cuda = backends.cuda
    module("chainercv.utils.bbox.bbox_iou", "chainercv/utils/bbox/bbox_iou.py")
    return module("voc", "chainercv/evaluations/eval_detection_voc.py")


def random_case(seed):
    """Inclusive whole-number corners; [image, class, difficult, box] and [image, class, score, box]."""
    rng = random.Random(seed)
    images, classes = rng.randint(1, 4), rng.randint(1, 3)

    def box():
        left, top = rng.randint(1, 60), rng.randint(1, 60)
        return [left, top, left + rng.randint(0, 25), top + rng.randint(0, 25)]

    truths = [[rng.randrange(images), rng.randrange(classes), int(rng.random() < 0.2), box()] for _ in range(rng.randint(1, 18))]
    scores = rng.sample(range(1, 10000), 40)
    detections = []
    for _ in range(rng.randint(1, 40)):
        image, label, _, near = rng.choice(truths)
        shifted = [v + rng.choice([0, 0, 0, 1, -1, 3]) for v in near]
        placed = shifted if rng.random() < 0.75 and shifted[2] >= shifted[0] and shifted[3] >= shifted[1] else box()
        detections.append([image, label, scores.pop() / 10000, placed])
    return {"images": images, "classes": classes, "truths": truths, "detections": detections}


def reference(voc, case):
    def per_image(rows, column, width=None):
        lists = [[row[column] for row in rows if row[0] == image] for image in range(case["images"])]
        return [np.array(one, dtype=float).reshape(-1, width) if width else np.array(one) for one in lists]

    truths, detections = case["truths"], case["detections"]
    results = []
    for threshold in THRESHOLDS:
        both = []
        for use_07 in [True, False]:
            with np.errstate(all="ignore"):
                result = voc.eval_detection_voc(
                    per_image(detections, 3, 4), per_image(detections, 1), per_image(detections, 2),
                    per_image(truths, 3, 4), per_image(truths, 1), [d.astype(bool) for d in per_image(truths, 2)],
                    iou_thresh=threshold, use_07_metric=use_07)
            aps = [None if np.isnan(ap) else float(ap) for ap in result["ap"]]
            both.append(aps + [None] * (case["classes"] - len(aps)))
        results.append({"iouThreshold": threshold, "voc07": both[0], "voc12": both[1]})
    return results


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    voc = load(sys.argv[1])
    cases = [{"seed": seed, **case, "expected": reference(voc, case)} for seed in range(int(sys.argv[3])) for case in [random_case(seed)]]
    made = {"by": "scripts/golden-eval-voc.py", "chainercv": "0.13.1", "numpy": np.__version__}
    with open(sys.argv[2], "w") as file:
        file.write('{"made":' + json.dumps(made) + ',"cases":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")
    print(f"{sys.argv[2]}: {len(cases)} cases, {os.path.getsize(sys.argv[2])} bytes")
