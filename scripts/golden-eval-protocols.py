"""Compares fresh random cases of VOC, ImageNet DET, LVIS and Open Images with ours, by the references of the other scripts,
and LVIS and Open Images with hotcoco as a second witness, whose differences are told but fail nothing.

DET has no reference in Python: its rules (ILSVRC's eval_detection.m) are written here a second time, plainly.

Packages as in golden-eval-voc.py (ROOT its unpacked ChainerCV), golden-eval-lvis.py and golden-eval-open-images.py (ROOT its
unpacked Object Detection API); hotcoco==1.3.0 where it is a witness.
    npm run build
    python scripts/golden-eval-protocols.py voc ROOT 300
    python scripts/golden-eval-protocols.py det 300
    python scripts/golden-eval-protocols.py lvis 300
    python scripts/golden-eval-protocols.py openimages ROOT 300
"""

import contextlib
import importlib.util
import io
import json
import math
import os
import random
import subprocess
import sys
import tempfile

FIRST_SEED = 700_000


def script(name):
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), os.path.join(os.path.dirname(__file__), f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ours(cases):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(case) + "\n" for case in cases)
        file.flush()
        text = subprocess.run(["node", "dist/scripts/golden-eval-figures-ours.js", file.name], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def flat(value, at=""):
    """Every number of nested figures with its place; None for what is not measured."""
    if isinstance(value, dict):
        return [one for key, inner in value.items() for one in flat(inner, f"{at}.{key}")]
    if isinstance(value, list):
        return [one for i, inner in enumerate(value) for one in flat(inner, f"{at}[{i}]")]
    return [(at, None if value is None or math.isnan(value) or value == -1 else value)]


def compare(cases, references, witness):
    """How far our figures are from the references'; `-1`, NaN and null all mean that there is nothing to measure."""
    numbers, worst, different = 0, 0.0, 0
    for seed, (case, mine, expected) in enumerate(zip(cases, ours(cases), references), FIRST_SEED):
        a, b = dict(flat(mine)), dict(flat(expected))
        off = [at for at in b if (a[at] is None) != (b[at] is None)]
        gaps = [abs(a[at] - b[at]) for at in b if a[at] is not None and b[at] is not None]
        numbers += len(b)
        worst = max([worst, *gaps])
        if off or max([0, *gaps]) > 1e-12:
            different += 1
            print(f"seed {seed}: {off or max(gaps)}")
    print(f"{witness}: {len(cases) - different} of {len(cases)} cases equal, {numbers} numbers, worst difference {worst:.3g}")
    return different


def coco_file(truths, images, classes):
    """[image, class, ..., box] rows with inclusive corners as COCO's file; from 0 there, from 1 here."""
    xywh = lambda box: [box[0] - 1, box[1] - 1, box[2] - box[0] + 1, box[3] - box[1] + 1]
    annotations = [{"id": i + 1, "image_id": row[0] + 1, "category_id": row[1] + 1, "bbox": xywh(row[-1])} for i, row in enumerate(truths)]
    return {
        "images": [{"id": i + 1} for i in range(images)],
        "categories": [{"id": k + 1, "name": f"class {k}"} for k in range(classes)],
        "annotations": annotations,
    }, lambda rows: [{"image_id": image + 1, "category_id": label + 1, "score": score, "bbox": xywh(box)} for image, label, score, box in rows]


def voc(root, count):
    golden = script("golden-eval-voc")
    reference = golden.load(root)
    cases, expected = [], []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        made = golden.random_case(seed)
        truths, results = coco_file(made["truths"], made["images"], made["classes"])
        difficult = [row[2] for row in made["truths"]]
        cases.append({"protocol": "voc", "truths": truths, "results": results(made["detections"]), "difficult": difficult, "iouThresholds": golden.THRESHOLDS})
        expected.append(golden.reference(reference, made))
    return compare(cases, expected, "ChainerCV")


def det_reference(case):
    def width(box):
        return box[2] - box[0] + 1

    def height(box):
        return box[3] - box[1] + 1

    def iou(a, b):
        both = [max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])]
        if width(both) <= 0 or height(both) <= 0:
            return 0.0
        shared = width(both) * height(both)
        return shared / (width(a) * height(a) + width(b) * height(b) - shared)

    def least(box):
        return min(0.5, width(box) * height(box) / ((width(box) + 10) * (height(box) + 10)))

    aps = []
    for label in range(case["classes"]):
        judged = lambda row: row[1] == label and [row[0], label] not in case["blacklist"]
        free = [row for row in case["truths"] if judged(row)]
        asked = len(free)
        if asked == 0:
            aps.append(None)
            continue
        hits, points = 0, []
        for seen, (image, _, _, box) in enumerate(sorted(filter(judged, case["detections"]), key=lambda row: -row[2]), 1):
            near = [row for row in free if row[0] == image and iou(box, row[-1]) >= least(row[-1])]
            if near:
                free.remove(max(near, key=lambda row: iou(box, row[-1])))
                hits += 1
            points.append((hits / asked, hits / seen))
        area, reached = 0.0, 0.0
        for i, (recall, _) in enumerate(points):
            if recall > reached:
                area += (recall - reached) * max(precision for _, precision in points[i:])
                reached = recall
        aps.append(area)
    return aps


def det(count):
    golden = script("golden-eval-voc")
    cases, expected = [], []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        made = golden.random_case(seed)
        rng = random.Random(seed)
        made["truths"] = [[image, label, box] for image, label, _, box in made["truths"]]
        pairs = [[image, label] for image in range(made["images"]) for label in range(made["classes"])]
        made["blacklist"] = rng.sample(pairs, rng.choice([0, 0, 1]))
        truths, results = coco_file(made["truths"], made["images"], made["classes"])
        blacklist = [[image + 1, label + 1] for image, label in made["blacklist"]]
        cases.append({"protocol": "det", "truths": truths, "results": results(made["detections"]), "blacklist": blacklist})
        expected.append(det_reference(made))
    return compare(cases, expected, "eval_detection.m written again")


def hotcoco_figures(case, **style):
    import hotcoco

    with tempfile.NamedTemporaryFile("w", suffix=".json") as truths, tempfile.NamedTemporaryFile("w", suffix=".json") as results:
        for file, content in [(truths, case["truths"]), (results, case["results"])]:
            json.dump(content, file)
            file.flush()
        with contextlib.redirect_stdout(io.StringIO()):
            table = hotcoco.COCO(truths.name)
            evaluation = hotcoco.COCOeval(table, table.load_res(results.name), "bbox", **style)
            evaluation.run()
    return evaluation


def lvis(count):
    golden = script("golden-eval-lvis")
    cases = [{"protocol": "lvis", **golden.random_case(seed, True)} for seed in range(FIRST_SEED, FIRST_SEED + count)]
    different = compare(cases, [golden.reference(case) for case in cases], "lvis")
    plain = [with_plain_areas(case) for case in cases]
    plain = [case for case in plain if case["results"]]
    figures = [hotcoco_figures(case, lvis_style=True).get_results() for case in plain]
    renamed = [{key.replace("@", ""): value for key, value in one.items()} for one in figures]
    compare(plain, renamed, "hotcoco")
    return different


def with_plain_areas(case):
    """Without boxes that have no area, and areas that are not width * height: there hotcoco differs from the lvis package."""
    has_area = lambda one: one["bbox"][2] > 0 and one["bbox"][3] > 0
    annotations = [{**one, "area": one["bbox"][2] * one["bbox"][3]} for one in case["truths"]["annotations"] if has_area(one)]
    return {**case, "truths": {**case["truths"], "annotations": annotations}, "results": list(filter(has_area, case["results"]))}


def openimages(root, count):
    golden = script("golden-eval-open-images")
    evaluation, expansion = golden.load(root)
    kinds = {"challenge": (False, True), "expanded": (True, True), "v2": (False, False)}
    cases, expected = [], []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        case = golden.random_case(seed)
        expected.append({name: golden.reference(evaluation, expansion, case, *kind) for name, kind in kinds.items()})
        cases.append({"protocol": "openimages", **case})
    different = compare(cases, expected, "TensorFlow Object Detection API")
    # hotcoco knows the Challenge's rules alone, and needs a result.
    cases = [case for case in cases if case["results"]]
    compare(cases, [second_witness(case) for case in cases], "hotcoco")
    alike = [case for case in map(where_rules_agree, cases) if case["results"]]
    compare(alike, [second_witness(case) for case in alike], "hotcoco where its rules are the API's")
    return different


def where_rules_agree(case):
    """hotcoco does not look at image-level labels, counts boxes without area, and lets a detection take a second truth when the
    one it overlaps most is taken."""
    truths = case["truths"]
    every = [one["id"] for one in truths["categories"]]
    first = {(one["image_id"], one["category_id"]): one for one in reversed(truths["annotations"])}
    return {
        **case,
        "parents": {label: None for label in case["parents"]},
        "truths": {
            **truths,
            "images": [{**image, "neg_category_ids": every} for image in truths["images"]],
            "annotations": list(first.values()),
        },
        "results": [one for one in case["results"] if one["bbox"][2] > 0 and one["bbox"][3] > 0],
    }


def second_witness(case):
    import hotcoco

    annotations = [{**one, "is_group_of": one["iscrowd"], "iscrowd": 0, "area": one["bbox"][2] * one["bbox"][3]} for one in case["truths"]["annotations"]]
    its = {**case, "truths": {**case["truths"], "annotations": annotations}}
    parents = {label: parent for label, parent in case["parents"].items() if parent is not None}
    figures = {}
    for name, hierarchy in {"challenge": None, "expanded": hotcoco.Hierarchy.from_parent_map(parents)}.items():
        evaluation = hotcoco_figures(its, oid_style=True, **({} if hierarchy is None else {"hierarchy": hierarchy}))
        figures[name] = {"mAP": evaluation.get_results()["AP"]}
    return figures


if __name__ == "__main__":
    programs = {"voc": voc, "det": det, "lvis": lvis, "openimages": openimages}
    if len(sys.argv) < 3 or sys.argv[1] not in programs:
        sys.exit(__doc__)
    *root, count = sys.argv[2:]
    sys.exit(1 if programs[sys.argv[1]](*root, int(count)) else 0)
