"""The COCO API itself by pycocotools: queries, parameters, evalImgs and figures of random cases.

    python3 -m venv /tmp/golden-eval && /tmp/golden-eval/bin/pip install pycocotools==2.0.11

    /tmp/golden-eval/bin/python scripts/golden-eval-cocoapi.py write test/golden/eval/cocoapi-random.json
        makes the small file of cases and results that the test suite compares with, bit for bit
    npm run build && /tmp/golden-eval/bin/python scripts/golden-eval-cocoapi.py compare 2000
        compares fresh cases with ours directly
"""

import base64
import contextlib
import gzip
import importlib.util
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

spec = importlib.util.spec_from_file_location("golden_eval", os.path.join(os.path.dirname(__file__), "golden-eval.py"))
golden_eval = importlib.util.module_from_spec(spec)
spec.loader.exec_module(golden_eval)


def random_case(seed):
    """A case of golden-eval.py with names, groups, parameters of its own and queries."""
    case = golden_eval.random_case(seed)
    rng = random.Random(seed + 1_000_000)
    truths = case["truths"]
    if rng.random() < 0.3:
        # Ids beyond 32 bits.
        far = 2**40
        for record in truths["images"] + truths["categories"] + truths["annotations"]:
            record["id"] += far
        for record in truths["annotations"] + case["results"]:
            record["image_id"] += far
            record["category_id"] += far
    for category in truths["categories"]:
        category["supercategory"] = rng.choice(["animal", "thing"])
    truths["info"] = {"year": 2026, "description": "random"}
    images = [image["id"] for image in truths["images"]]
    categories = [category["id"] for category in truths["categories"]]
    params = {}
    if rng.random() < 0.3:
        params["useCats"] = 0
    if rng.random() < 0.3:
        params["iouThrs"] = rng.choice([[0.5], [0.3, 0.6, 0.9], [0.75, 0.5], [0.5, 0.75, 1.0], [i / 40 for i in range(1, 40)]])
    if rng.random() < 0.3:
        params["recThrs"] = rng.choice([[0, 0.5, 1], [i / 10 for i in range(11)], [0.9, 0.1]])
    if rng.random() < 0.3:
        params["maxDets"] = rng.choice([[100], [10, 1, 100], [1, 2, 3], [1, 10, 100, 300]])
    if rng.random() < 0.3:
        params["areaRng"] = [[0, 1e10], [0, 400], [400, 1e10]]
        params["areaRngLbl"] = ["all", "small", "large"]
    if rng.random() < 0.3:
        params["imgIds"] = rng.sample(images, rng.randint(1, len(images)))
    if rng.random() < 0.3:
        params["catIds"] = rng.sample(categories, rng.randint(1, len(categories)))
    some = lambda ids: rng.choice([[], rng.sample(ids, rng.randint(1, len(ids))), rng.choice(ids)])
    queries = []
    for _ in range(4):
        area = rng.choice([[], [0, 1024], [100, 1e10]])
        queries.append(["getAnnIds", {"imgIds": some(images), "catIds": some(categories), "areaRng": area, "iscrowd": rng.choice([None, False, True])}])
        names = [category["name"] for category in truths["categories"]]
        queries.append(["getCatIds", {"catNms": some(names), "supNms": rng.choice([[], "animal", ["thing"]]), "catIds": some(categories)}])
        queries.append(["getImgIds", {"imgIds": some(images), "catIds": some(categories)}])
    return {**case, "params": params, "queries": queries}


def evaluation_of(case):
    case = json.loads(json.dumps(case))
    with contextlib.redirect_stdout(io.StringIO()) as out:
        truths = COCO()
        truths.dataset = case["truths"]
        truths.createIndex()
        # A lone string is a list of letters to Python.
        as_list = lambda query: {key: [value] if isinstance(value, str) else value for key, value in query.items()}
        answers = [getattr(truths, name)(**as_list(query)) for name, query in case["queries"]]
        answers = [sorted(ids) if name == "getImgIds" else ids for ids, (name, _) in zip(answers, case["queries"])]
        results = truths.loadRes(case["results"])
        evaluation = COCOeval(truths, results, "bbox")
        for name, value in case["params"].items():
            setattr(evaluation.params, name, np.array(value) if name == "iouThrs" else value)
        evaluation.evaluate()
        images = [plain(one) for one in evaluation.evalImgs]
        evaluation.accumulate()
        summarized = len(evaluation.params.maxDets) >= 3
        if summarized:
            evaluation.summarize()
    printed = [line for line in out.getvalue().split("\n") if "@[" in line]
    made = evaluation.eval
    arrays = [made["precision"], made["recall"], made["scores"], evaluation.stats if summarized else []]
    return {
        "answers": answers,
        "counts": made["counts"],
        "printed": printed,
        "evalImgs": images,
        "results": [results.anns[id] for id in list(results.anns)[:3]],
    }, [np.ascontiguousarray(array, dtype="<f8") for array in arrays]


def plain(one):
    if one is None:
        return None
    tidy = lambda value: value.astype(bool).tolist() if value.dtype == bool else value.astype(float).tolist()
    return {key: (tidy(value) if isinstance(value, np.ndarray) else np.array(value).tolist() if isinstance(value, list) else value if not isinstance(value, np.generic) else value.item()) for key, value in one.items()}


def write(path, count=12):
    cases = []
    seed = 0
    while len(cases) < count:
        case = random_case(seed)
        seed += 1
        if len(case["results"]) > 10:
            continue
        expected, arrays = evaluation_of(case)
        packed = dict(zip(["precision", "recall", "scores", "stats"], map(golden_eval.pack, arrays)))
        cases.append({"seed": seed - 1, **case, "expected": {**expected, **packed}})
    made = {"by": "scripts/golden-eval-cocoapi.py", "pycocotools": version("pycocotools"), "numpy": np.__version__}
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    with open(path, "w") as file:
        file.write('{"made":' + json.dumps(made) + ',"cases":[\n' + lines + "\n]}\n")
    print(f"{path}: {count} cases, {os.path.getsize(path)} bytes")


def compare(count, first=200_000):
    equal = numbers = 0
    with tempfile.TemporaryDirectory() as folder:
        for start in range(first, first + count, 200):
            cases = [random_case(seed) for seed in range(start, min(start + 200, first + count))]
            cases_file, ours_file, arrays_file = (os.path.join(folder, name) for name in ["cases.jsonl", "ours.jsonl", "ours.bin"])
            with open(cases_file, "w") as file:
                file.writelines(json.dumps(case) + "\n" for case in cases)
            subprocess.run(["node", "dist/scripts/golden-eval-cocoapi-ours.js", cases_file, ours_file, arrays_file], check=True)
            with open(ours_file) as file, open(arrays_file, "rb") as binary:
                for seed, case, line in zip(range(start, start + 200), cases, file):
                    expected, arrays = evaluation_of(case)
                    ours = json.loads(line)
                    wrong = [key for key in expected if ours[key] != expected[key]]
                    for name, array in zip(["precision", "recall", "scores", "stats"], arrays):
                        numbers += array.size
                        if binary.read(array.nbytes) != array.tobytes():
                            wrong.append(name)
                    if wrong:
                        print(f"seed {seed}: {', '.join(wrong)} differ")
                    equal += not wrong
    print(f"{equal} of {count} cases equal ({numbers} numbers to the last bit; queries, evalImgs and lines), pycocotools {version('pycocotools')}, numpy {np.__version__}")
    sys.exit(0 if equal == count else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(sys.argv[2])
    elif sys.argv[1:2] == ["compare"]:
        compare(int(sys.argv[2]))
    else:
        sys.exit(__doc__)
