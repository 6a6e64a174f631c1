"""LVIS's figures by the lvis package itself, for random cases.

    python3 -m venv /tmp/golden-eval && /tmp/golden-eval/bin/pip install lvis==0.5.3 pycocotools==2.0.11

    /tmp/golden-eval/bin/python scripts/golden-eval-lvis.py write test/golden/eval/lvis-random.json 12
    /tmp/golden-eval/bin/python scripts/golden-eval-lvis.py write /tmp/lvis.json 300
        and RESDET_GOLDEN_LVIS=/tmp/lvis.json npx vitest run test/eval/lvis.test.ts compares more
"""

import importlib.util
import json
import logging
import os
import random
import sys
import tempfile
from importlib.metadata import version

import numpy as np

# The package was written for an older numpy.
np.float = float
from lvis import LVIS, LVISEval, LVISResults  # noqa: E402

logging.disable(logging.CRITICAL)
spec = importlib.util.spec_from_file_location("golden_eval", os.path.join(os.path.dirname(__file__), "golden-eval.py"))
golden_eval = importlib.util.module_from_spec(spec)
spec.loader.exec_module(golden_eval)


def random_case(seed, largest):
    rng = random.Random(seed + 2_000_000)
    case = golden_eval.random_case(rng.randrange(10**9))
    # The package counts crowds and ignored truths like any other, and needs one result at least.
    for annotation in case["truths"]["annotations"]:
        annotation.pop("iscrowd")
        annotation.pop("ignore", None)
    categories = [category["id"] for category in case["truths"]["categories"]]
    some = lambda: rng.sample(categories, rng.randint(0, len(categories)))
    for image in case["truths"]["images"]:
        image["neg_category_ids"] = some()
        image["not_exhaustive_category_ids"] = some() if rng.random() < 0.5 else []
    for category in case["truths"]["categories"]:
        category["frequency"] = rng.choice("rcf")
    if largest and rng.random() < 0.2:
        # More than 300 of one image.
        image = case["truths"]["images"][0]["id"]
        case["results"] += [{**rng.choice(case["results"]), "image_id": image, "score": rng.choice([0.1, 0.5, rng.random()])} for _ in range(400)]
    return case


def reference(case):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(case["truths"], file)
        file.flush()
        truths = LVIS(file.name)
    results = LVISResults(truths, json.loads(json.dumps(case["results"])))
    evaluation = LVISEval(truths, results, "bbox")
    evaluation.run()
    return {key.replace("@", ""): float(value) for key, value in evaluation.get_results().items()}


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] != "write":
        sys.exit(__doc__)
    count = int(sys.argv[3])
    small = count < 100
    cases = []
    seed = 0
    while len(cases) < count:
        case = random_case(seed, not small)
        seed += 1
        if small and len(case["results"]) > 60:
            continue
        cases.append({"seed": seed - 1, **case, "expected": reference(case)})
    made = {"by": "scripts/golden-eval-lvis.py", "lvis": version("lvis"), "pycocotools": version("pycocotools"), "numpy": np.__version__}
    with open(sys.argv[2], "w") as file:
        file.write('{"made":' + json.dumps(made) + ',"cases":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")
    print(f"{sys.argv[2]}: {len(cases)} cases, {os.path.getsize(sys.argv[2])} bytes")
