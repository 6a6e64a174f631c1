"""TIDE's error types by tidecv itself, for random cases without ties and crowds (where its rules and COCO's agree).

    python3 -m venv /tmp/golden-eval && /tmp/golden-eval/bin/pip install pycocotools==2.0.11 tidecv==1.0.1
    /tmp/golden-eval/bin/python scripts/golden-eval-tide.py test/golden/eval/tide-random.json
"""

import json
import os
import random
import sys
from importlib.metadata import version

import numpy as np
from tidecv import TIDE, Data

NAMES = {"Cls": "classification", "Loc": "localization", "Both": "both", "Dupe": "duplicate", "Bkg": "background", "Miss": "missed"}


def random_case(seed):
    rng = random.Random(seed)
    images = list(range(1, rng.randint(2, 6)))
    categories = list(range(1, rng.randint(2, 5)))
    truths = []
    for _ in range(rng.randint(1, 25)):
        truths.append([rng.choice(images), rng.choice(categories), [round(rng.uniform(0, 200), 1), round(rng.uniform(0, 200), 1), round(rng.uniform(20, 90), 1), round(rng.uniform(20, 90), 1)]])
    # Every class has a truth, so that both means are over the same classes.
    categories = sorted({category for _, category, _ in truths})
    scores = rng.sample(range(1, 100000), 60)
    detections = []
    for _ in range(rng.randint(1, 60)):
        if rng.random() < 0.8:
            image, category, box = rng.choice(truths)
            shift = rng.choice([2, 15, 40])
            box = [round(v + rng.uniform(-shift, shift), 1) if i < 2 else v for i, v in enumerate(box)]
            if rng.random() < 0.25:
                category = rng.choice(categories)
        else:
            image, category = rng.choice(images), rng.choice(categories)
            box = [round(rng.uniform(0, 200), 1) for _ in range(2)] + [30, 40]
        detections.append([image, category, box, scores.pop() / 100000])
    return {"images": len(images), "categories": categories, "truths": truths, "detections": detections}


def reference(case):
    truths, detections = Data("truths"), Data("detections")
    for image in range(1, case["images"] + 1):
        truths.add_image(image, str(image))
        detections.add_image(image, str(image))
    for image, category, box in case["truths"]:
        truths.add_ground_truth(image, category, box)
    for image, category, box, score in case["detections"]:
        detections.add_detection(image, category, score, box)
    tide = TIDE()
    run = tide.evaluate(truths, detections, mode=TIDE.BOX)
    gain = {NAMES[name]: value / 100 for name, value in tide.get_main_errors()["detections"].items()}
    count = {NAMES[kind.short_name]: len(errors) for kind, errors in run.error_dict.items()}
    return {"AP": run.ap / 100, "gain": gain, "count": count}


def grids_agree(case, expected):
    """tidecv asks for recalls of i / 100, COCO of i * 0.01: they differ where a recall can be exactly 7/10, 7/20, 19/20."""
    counts = [sum(category == one for _, one, _ in case["truths"]) for category in case["categories"]]
    return all(count < 10 or count % 10 != 0 and expected["count"]["missed"] == 0 for count in counts)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    cases = [{"seed": seed, **case, "expected": reference(case)} for seed in range(62) for case in [random_case(seed)]]
    cases = [case for case in cases if grids_agree(case, case["expected"])]
    made = {"by": "scripts/golden-eval-tide.py", "tidecv": version("tidecv"), "pycocotools": version("pycocotools"), "numpy": np.__version__}
    with open(sys.argv[1], "w") as file:
        file.write('{"made":' + json.dumps(made) + ',"cases":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")
    print(f"{sys.argv[1]}: {len(cases)} cases, {os.path.getsize(sys.argv[1])} bytes")
