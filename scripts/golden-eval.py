"""Random COCO cases scored by pycocotools itself.

The reference is installed into a throw-away environment:
    python3 -m venv /tmp/golden-eval && /tmp/golden-eval/bin/pip install pycocotools==2.0.11

    /tmp/golden-eval/bin/python scripts/golden-eval.py write test/golden/eval/coco-random.json
        makes the small file of cases and arrays that the test suite compares with, bit for bit
    npm run build && /tmp/golden-eval/bin/python scripts/golden-eval.py compare 5000
        compares thousands of fresh cases with ours directly
"""

import base64
import contextlib
import gzip
import io
import json
import os
import random
import subprocess
import sys
import tempfile
from importlib.metadata import version

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def random_case(seed):
    """Ties, crowds, gaps in ids, empty images, degenerate boxes, id 0, area fields unlike w*h, more than 100 detections."""
    rng = random.Random(seed)
    grid = rng.choice([0.1, 0.5, 1, 1, 4, 16])
    size = rng.choice([40, 120, 400])

    def number(most):
        value = rng.randrange(0, int(most / grid) + 1) * grid
        return int(value) if grid >= 1 else round(value, 1) if rng.random() < 0.9 else value

    def box():
        x, y, w, h = number(size), number(size), number(size / 2), number(size / 2)
        if rng.random() < 0.05:
            w = 0
        if rng.random() < 0.05:
            h = 0
        if rng.random() < 0.1:
            w, h = rng.choice([(32, 32), (96, 96), (32, 96)])
        if rng.random() < 0.05:
            x, y = -x, -y
        return [x, y, w, h]

    images = sorted(rng.sample(range(0, 1000), rng.randint(1, 8)))
    rng.shuffle(images)
    categories = rng.sample(range(1, 91), rng.randint(1, 4))
    annotations = []
    ids = rng.sample(range(0 if rng.random() < 0.3 else 1, 500), 60)
    for _ in range(rng.choice([0, 1, 5, 15, 40])):
        b = box()
        annotation = {
            "id": ids.pop(),
            "image_id": rng.choice(images),
            "category_id": rng.choice(categories),
            "bbox": b,
            "area": b[2] * b[3] if rng.random() < 0.7 else rng.choice([1024, 9216, 900.5, 20000, 0]),
            "iscrowd": int(rng.random() < 0.15),
        }
        if rng.random() < 0.1:
            annotation["ignore"] = 1
        annotations.append(annotation)
    scores = rng.choice([[0.5], [0.1, 0.2, 0.9], None])
    results = []
    for _ in range(rng.choice([1, 10, 60, 60, 300])):
        if annotations and rng.random() < 0.6:
            near = rng.choice(annotations)
            b = [v if rng.random() < 0.6 else v + rng.choice([-1, 1, 2]) * grid for v in near["bbox"]]
            b = [b[0], b[1], max(0, b[2]), max(0, b[3])]
            image, category = near["image_id"], near["category_id"]
            if rng.random() < 0.1:
                category = rng.choice(categories)
        else:
            b, image, category = box(), rng.choice(images), rng.choice(categories + [91])
        score = rng.choice(scores) if scores else round(rng.random(), 3) if rng.random() < 0.7 else rng.random()
        results.append({"image_id": image, "category_id": category, "bbox": b, "score": score})
    return {
        "truths": {
            "images": [{"id": i, "file_name": f"{i}.jpg", "width": size, "height": size} for i in images],
            "categories": [{"id": c, "name": f"class {c}"} for c in categories],
            "annotations": annotations,
        },
        "results": results,
    }


def reference(case, printed=None):
    case = json.loads(json.dumps(case))
    with contextlib.redirect_stdout(io.StringIO()) as out:
        truths = COCO()
        truths.dataset = case["truths"]
        truths.createIndex()
        evaluation = COCOeval(truths, truths.loadRes(case["results"]), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    if printed is not None:
        printed += [line for line in out.getvalue().split("\n") if "@[" in line]
    arrays = [evaluation.eval["precision"], evaluation.eval["recall"], evaluation.eval["scores"], evaluation.stats]
    return [np.ascontiguousarray(array, dtype="<f8") for array in arrays]


def pack(array):
    return base64.b64encode(gzip.compress(array.tobytes(), mtime=0)).decode()


def write(path, count=18):
    cases = []
    for seed in range(count):
        case = random_case(seed)
        printed = []
        precision, recall, scores, stats = reference(case, printed)
        cases.append({"seed": seed, **case, "precision": pack(precision), "recall": pack(recall), "scores": pack(scores), "stats": list(stats), "printed": printed})
    made = {"by": "scripts/golden-eval.py", "pycocotools": version("pycocotools"), "numpy": np.__version__, "python": sys.version.split()[0]}
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    with open(path, "w") as file:
        file.write('{"made":' + json.dumps(made) + ',"cases":[\n' + lines + "\n]}\n")
    print(f"{path}: {count} cases, {os.path.getsize(path)} bytes")


def compare(count, first=100_000):
    equal = numbers = different = 0
    with tempfile.TemporaryDirectory() as folder:
        for start in range(first, first + count, 500):
            seeds = range(start, min(start + 500, first + count))
            cases = [random_case(seed) for seed in seeds]
            cases_file, ours_file = os.path.join(folder, "cases.jsonl"), os.path.join(folder, "ours.bin")
            with open(cases_file, "w") as file:
                file.writelines(json.dumps(case) + "\n" for case in cases)
            subprocess.run(["node", "dist/scripts/golden-eval-ours.js", cases_file, ours_file], check=True)
            with open(ours_file, "rb") as file:
                for seed, case in zip(seeds, cases):
                    same = True
                    for name, array in zip(["precision", "recall", "scores", "stats"], reference(case)):
                        numbers += array.size
                        if file.read(array.nbytes) != array.tobytes():
                            same = False
                            print(f"seed {seed}: {name} differs")
                    equal += same
                    different += not same
    print(f"{equal} of {count} cases equal to the last bit ({numbers} numbers compared), pycocotools {version('pycocotools')}, numpy {np.__version__}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(sys.argv[2])
    elif sys.argv[1:2] == ["compare"]:
        compare(int(sys.argv[2]))
    else:
        sys.exit(__doc__)
