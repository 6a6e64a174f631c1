"""Compares COCO's twelve figures of a detector: resdet finds and scores, torchvision finds and pycocotools scores.

The detector is one that resdet trained (.safetensors, a ResNet-50 FPN with frozen norm), the data are a COCO annotation file and its
folder of photos. Needs torch, torchvision, safetensors and pycocotools, and `npm run build` before:
    python scripts/verify/coco.py --weights W.safetensors --annotations A.json --photos FOLDER [--count N] [--bound 0.002]
Photos are decoded once, by PIL, and given to both as PNG. Ends with 1 where a figure (0..1) differs by more than the bound.
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from peer import described, trained_detector, with_size_rule_of_torchvision
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

# The order of pycocotools' stats, by resdet's names.
names = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


def few(annotations: Path, count: int):
    """The first images that the file names, with their objects."""
    whole = json.loads(annotations.read_text())
    images = whole["images"][:count]
    ids = {image["id"] for image in images}
    return {**whole, "images": images, "annotations": [one for one in whole["annotations"] if one["image_id"] in ids]}


def theirs(model, truths, photos: Path, category_ids):
    results = []
    for image in truths["images"]:
        pixels = torch.from_numpy(np.asarray(Image.open(photos / image["file_name"])).copy()).permute(2, 0, 1).float() / 255
        found = model([pixels])[0]
        for box, score, label in zip(found["boxes"].tolist(), found["scores"].tolist(), found["labels"].tolist()):
            x1, y1, x2, y2 = box
            results.append({"image_id": image["id"], "category_id": category_ids[label - 1], "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score})  # fmt: skip
    return results


def scored(annotations: Path, results):
    with contextlib.redirect_stdout(io.StringIO()):
        table = COCO(str(annotations))
        evaluation = COCOeval(table, table.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ["--weights", "--annotations", "--photos"]:
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--bound", type=float, default=0.002)
    given = parser.parse_args()
    about = json.loads(described(given.weights)[0]["__metadata__"]["resdet"])
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        root = Path(folder)
        (root / "photos").mkdir()
        truths = few(given.annotations, given.count)
        for image in truths["images"]:
            name = f"{image['id']}.png"
            Image.open(given.photos / image["file_name"]).convert("RGB").save(root / "photos" / name)
            image["file_name"] = name
        by_name = {category["name"]: category["id"] for category in truths["categories"]}
        category_ids = [by_name[name] for name in about["classes"]]
        (root / "truths.json").write_text(json.dumps(truths))
        with_size_rule_of_torchvision(given.weights, root / "w.safetensors")
        words = ["eval", "--weights", root / "w.safetensors", "--data", root / "truths.json", "--images", root / "photos", "--engine", "tensorflow",
                 "--metrics", "coco", "--no-details", "--json", root / "ours.json"]  # fmt: skip
        subprocess.run(["node", "bin/resdet.js", *map(str, words)], check=True, capture_output=True)
        ours = json.loads((root / "ours.json").read_text())["coco"]
        expected = scored(root / "truths.json", theirs(trained_detector(given.weights), truths, root / "photos", category_ids))
    worst = 0.0
    for name, theirs_value in zip(names, expected):
        value = ours[name]
        # pycocotools has -1 where there is nothing to measure.
        off = 0.0 if value is None and theirs_value == -1 else abs((value if value is not None else -1) - theirs_value)
        worst = max(worst, off)
        print(f"{name:9} {'n/a' if value is None else f'{value:.4f}'} {theirs_value:.4f}")
    print(f"{len(truths['images'])} photos, 12 figures, AP {ours['AP']:.4f} and {expected[0]:.4f}, worst difference {worst:.2g}")
    return int(worst > given.bound)


if __name__ == "__main__":
    sys.exit(main())
