"""Open Images' figures by the TensorFlow Object Detection API itself, for random cases without equal scores (its sort is
not stable). Boxes have whole numbers, so that corners and widths are exact.

The package is only unpacked, since its evaluation needs nothing but numpy:
    python3 -m venv /tmp/golden-eval && /tmp/golden-eval/bin/pip install numpy six "setuptools<70" wheel
    /tmp/golden-eval/bin/pip download --no-deps --no-build-isolation --no-binary :all: tf-object-detection-api==0.1 -d /tmp/tfod
    tar xzf /tmp/tfod/tf_object_detection_api-0.1.tar.gz -C /tmp/tfod
    /tmp/golden-eval/bin/python scripts/golden-eval-open-images.py /tmp/tfod/tf_object_detection_api-0.1 test/golden/eval/open-images-random.json 15
    /tmp/golden-eval/bin/python scripts/golden-eval-open-images.py /tmp/tfod/tf_object_detection_api-0.1 /tmp/oid.json 300
        and RESDET_GOLDEN_OPEN_IMAGES=/tmp/oid.json npx vitest run test/eval/open-images.test.ts compares more
"""

import json
import logging
import os
import random
import sys
import types
import warnings

import numpy as np

# The package was written for an older numpy.
np.float, np.NAN = float, float("nan")
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")


def load(root):
    """The evaluation and the expansion of the hierarchy, without TensorFlow."""
    for name in ["tensorflow", "tensorflow.compat", "tensorflow.compat.v1", "absl", "pandas", "object_detection.utils.label_map_util"]:
        sys.modules[name] = types.ModuleType(name)
    quiet = lambda *_, **__: None
    sys.modules["tensorflow.compat.v1"].logging = types.SimpleNamespace(info=quiet, warn=quiet, warning=quiet, error=quiet)
    sys.modules["tensorflow.compat"].v1 = sys.modules["tensorflow.compat.v1"]
    sys.modules["absl"].app = types.SimpleNamespace(run=quiet)
    sys.modules["absl"].flags = types.SimpleNamespace(DEFINE_string=quiet, DEFINE_integer=quiet, DEFINE_enum=quiet, FLAGS=None)
    for flags in ["absl.app", "absl.flags"]:
        sys.modules[flags] = getattr(sys.modules["absl"], flags.split(".")[1])
    sys.path.insert(0, root)
    import object_detection.utils

    object_detection.utils.label_map_util = sys.modules["object_detection.utils.label_map_util"]
    sys.modules["object_detection.utils.label_map_util"].create_category_index = lambda categories: {one["id"]: one for one in categories}
    from object_detection.dataset_tools import oid_hierarchical_labels_expansion as expansion
    from object_detection.utils import object_detection_evaluation as evaluation

    return evaluation, expansion


def random_case(seed):
    rng = random.Random(seed)
    images = list(range(1, rng.randint(2, 5)))
    classes = list(range(1, rng.randint(2, 6)))
    box = lambda: [rng.randint(0, 80), rng.randint(0, 80), rng.randint(1, 40), rng.randint(1, 40)]
    truths = []
    for _ in range(rng.randint(1, 20)):
        truths.append({"image_id": rng.choice(images), "category_id": rng.choice(classes), "bbox": box(), "iscrowd": int(rng.random() < 0.3)})
    scores = rng.sample(range(1, 100000), 80)
    results = []
    for _ in range(rng.randint(0, 60)):
        near = rng.choice(truths)
        bbox = [v + rng.choice([0, 0, 1, -1, 4]) for v in near["bbox"]] if rng.random() < 0.7 else box()
        if near["iscrowd"] and rng.random() < 0.5:
            bbox = [near["bbox"][0] + 1, near["bbox"][1], max(1, near["bbox"][2] // 2), near["bbox"][3]]
        category = near["category_id"] if rng.random() < 0.8 else rng.choice(classes)
        results.append({"image_id": near["image_id"], "category_id": category, "bbox": [*bbox[:2], max(0, bbox[2]), max(0, bbox[3])], "score": scores.pop() / 100000})
    # A tree: each class below one before it, or at the top.
    parents = {one: rng.choice([None, *classes[: one - 1]]) for one in classes}
    negative = {image: rng.sample(classes, rng.randint(0, len(classes))) for image in images}
    return {
        "truths": {
            "images": [{"id": image, "neg_category_ids": negative[image]} for image in images],
            "categories": [{"id": one, "name": f"class {one}"} for one in classes],
            "annotations": [{"id": i + 1, **truth} for i, truth in enumerate(truths)],
        },
        "results": results,
        "parents": parents,
    }


def tree(parents, top=None):
    """The hierarchy as Open Images publishes it."""
    below = [tree(parents, one) for one, parent in parents.items() if parent == top]
    node = {"LabelName": "root" if top is None else str(top)}
    return {**node, "Subcategory": below} if below else node


def reference(evaluation, expansion, case, expanded, challenge):
    truths = case["truths"]
    categories = truths["categories"]
    expand = expansion.OIDHierarchicalLabelsExpansion(tree(case["parents"])) if expanded else None
    evaluator = evaluation.OpenImagesDetectionChallengeEvaluator(categories) if challenge else evaluation.OpenImagesDetectionEvaluator(categories)
    corners = lambda bbox: [bbox[1], bbox[0], bbox[1] + bbox[3], bbox[0] + bbox[2]]
    for image in truths["images"]:
        rows = [(one["category_id"], one["bbox"], one["iscrowd"]) for one in truths["annotations"] if one["image_id"] == image["id"]]
        negative = image["neg_category_ids"]
        if expand:
            rows = [(int(line.split(",")[1]), bbox, group) for label, bbox, group in rows for line in expand.expand_boxes_or_segments_from_csv(f"x,{label},1")]
            negative = [int(line.split(",")[1]) for label in negative for line in expand.expand_labels_from_csv(f"x,{label},0")]
        evaluator.add_single_ground_truth_image_info(image["id"], {
            "groundtruth_boxes": np.array([corners(bbox) for _, bbox, _ in rows], dtype=float).reshape(-1, 4),
            "groundtruth_classes": np.array([label for label, _, _ in rows], dtype=int),
            "groundtruth_group_of": np.array([group for _, _, group in rows], dtype=bool),
            "groundtruth_image_classes": np.array(negative, dtype=int),
        })
        found = [one for one in case["results"] if one["image_id"] == image["id"]]
        evaluator.add_single_detected_image_info(image["id"], {
            "detection_boxes": np.array([corners(one["bbox"]) for one in found], dtype=float).reshape(-1, 4),
            "detection_scores": np.array([one["score"] for one in found], dtype=float),
            "detection_classes": np.array([one["category_id"] for one in found], dtype=int),
        })
    figures = evaluator._evaluation.evaluate()
    none = lambda value: None if np.isnan(value) else float(value)
    return {"mAP": none(figures.mean_ap), "AP": [none(value) for value in figures.average_precisions[: len(categories)]]}


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    evaluation, expansion = load(sys.argv[1])
    cases = []
    for seed in range(int(sys.argv[3])):
        case = random_case(seed)
        kinds = {"challenge": (False, True), "expanded": (True, True), "v2": (False, False)}
        expected = {name: reference(evaluation, expansion, case, *kind) for name, kind in kinds.items()}
        cases.append({"seed": seed, **case, "hierarchy": tree(case["parents"]), "expected": expected})
    made = {"by": "scripts/golden-eval-open-images.py", "tf-object-detection-api": "0.1", "numpy": np.__version__}
    with open(sys.argv[2], "w") as file:
        file.write('{"made":' + json.dumps(made) + ',"cases":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")
    print(f"{sys.argv[2]}: {len(cases)} cases, {os.path.getsize(sys.argv[2])} bytes")
