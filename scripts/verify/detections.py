"""Compares resdet's boxes with torchvision's on photos of many sizes, and torchvision's with its own in double precision.

A detector of seeded random weights, or a file of weights that torchvision's fasterrcnn_resnet50_fpn loads (.pth), is imported by
`resdet import` and run by both. A detector that resdet trained (.safetensors, a ResNet-50 FPN with frozen norm) is loaded into
torchvision instead. Photos are smooth noise of many sizes, or the first of a folder.

Run from the repository root after `npm run build`, with torch, torchvision and safetensors:
    python3 scripts/verify/detections.py [--count N] [--weights FILE] [--photos FOLDER]
Ends with 1 where a score differs by more than 1e-3, an edge by more than 0.2 pixels, or more detections are in one of them only
than rounding explains: twice as many as torchvision has in one precision only, and three.
Two boxes that overlap by almost exactly the threshold, or two proposals of almost one score at the last place, are decided by
rounding.
"""

import argparse
import copy
import json
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torchvision.models.detection import fasterrcnn_resnet50_fpn

usual = [(334, 500), (500, 334), (375, 500), (480, 640), (427, 640), (333, 333), (612, 97), (1080, 1920)]
RANDOM_SCORE = 0.6


def made_up(count: int):
    """Smooth noise of many sizes."""
    random.seed(0)
    generator = np.random.default_rng(0)
    sizes = usual + [(random.randint(80, 900), random.randint(80, 900)) for _ in range(max(0, count - len(usual)))]
    for height, width in sizes[:count]:
        coarse = generator.integers(0, 256, (height // 24 + 2, width // 24 + 2, 3), np.uint8)
        yield Image.fromarray(coarse).resize((width, height), Image.BICUBIC)


def of_folder(folder: Path, count: int):
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    return [Image.open(path).convert("RGB") for path in files[:count]]


def torchvision_detector(weights: Path | None):
    torch.manual_seed(0)
    model = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, box_score_thresh=RANDOM_SCORE)
    if weights is not None:
        model.load_state_dict(torch.load(weights, weights_only=True))
    else:
        # Boxes of random weights hardly move; these do.
        model.roi_heads.box_predictor.bbox_pred.weight.data *= 5
        model.rpn.head.cls_logits.weight.data *= 20
    return model.eval()


def described(weights: Path):
    with open(weights, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        return header, file.read()


def with_size_rule_of_torchvision(weights: Path, to: Path) -> None:
    header, tensors = described(weights)
    about = json.loads(header["__metadata__"]["resdet"])
    about["config"]["sizeRule"] = "torchvision"
    header["__metadata__"]["resdet"] = json.dumps(about)
    text = json.dumps(header).encode()
    to.write_bytes(struct.pack("<Q", len(text)) + text + tensors)


def trained_detector(weights: Path):
    """torchvision's detector with the weights and test settings of one that resdet trained."""
    about = json.loads(described(weights)[0]["__metadata__"]["resdet"])
    config = about["config"]
    options = config["options"]
    proposals, select = options["proposals"]["test"], options["select"]
    model = fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=len(about["classes"]) + 1,
        min_size=config["size"], max_size=config["maxSize"],
        rpn_pre_nms_top_n_test=proposals["preNmsTopN"], rpn_post_nms_top_n_test=proposals["postNmsTopN"],
        rpn_nms_thresh=proposals["nmsThreshold"], box_score_thresh=select["score"], box_nms_thresh=select["nmsThreshold"],
        box_detections_per_img=select["maxDetections"])  # fmt: skip
    ours = load_file(weights)
    state = model.state_dict()
    for name, value in state.items():
        if name in ours:
            continue
        # A frozen norm is folded into the convolution before it: what is left adds the bias.
        owner, field = name.rsplit(".", 1)
        convolution = owner.replace(".bn", ".conv").replace("downsample.1", "downsample.0")
        fill = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1 - 1e-5, "num_batches_tracked": 0}[field]
        ours[name] = ours.pop(f"{convolution}.bias") if field == "bias" else torch.full_like(value, fill)
    model.load_state_dict(ours)
    return model.eval()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--photos", type=Path)
    given = parser.parse_args()
    trained = given.weights is not None and given.weights.suffix == ".safetensors"
    model = trained_detector(given.weights) if trained else torchvision_detector(given.weights)
    double = copy.deepcopy(model).double()
    score = model.roi_heads.score_thresh
    wrong, alone, alone_double, total = 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        root = Path(folder)
        (root / "photos").mkdir()
        run = lambda *words: subprocess.run(["node", "bin/resdet.js", *map(str, words)], check=True, capture_output=True)
        if trained:
            with_size_rule_of_torchvision(given.weights, root / "w.safetensors")
        else:
            torch.save(model.state_dict(), root / "w.pth")
            run("import", root / "w.pth", "--model", "fasterrcnn_resnet50_fpn", "--out", root / "w.safetensors")
        images = list(of_folder(given.photos, given.count) if given.photos else made_up(given.count))
        for index, image in enumerate(images):
            # PNG, so that both decode the same pixels.
            image.save(root / "photos" / f"{index:03}.png")
        arguments = ["--engine", "tensorflow", "--no-draw", "--score", score, "--out", root / "out"]
        run("detect", "--weights", root / "w.safetensors", "--source", root / "photos", *arguments)
        lines = (root / "out" / "detections.jsonl").read_text().splitlines()
        for image, line in zip(images, lines, strict=True):
            pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255
            theirs = boxes_of(model([pixels])[0])
            ours = [(one["score"], one["box"]) for one in json.loads(line)["detections"]]
            single, worst = compare(ours, theirs, score)
            single_double, _ = compare(boxes_of(double([pixels.double()])[0]), theirs, score)
            print(f"{image.size[0]}x{image.size[1]}: {len(ours)} and {len(theirs)}, {single} alone ({single_double} in double "
                  f"precision), score {worst[0]:.1e}, edge {worst[1]:.1e}")  # fmt: skip
            wrong += worst[0] > 1e-3 or worst[1] > 0.2
            alone, alone_double, total = alone + single, alone_double + single_double, total + len(theirs)
    print(f"{len(images)} photos: {wrong} with differences; of {total} detections {alone} in one of them only, "
          f"{alone_double} between torchvision and torchvision in double precision")  # fmt: skip
    return int(wrong > 0 or alone > 2 * alone_double + 3)


def boxes_of(found):
    return list(zip(found["scores"].tolist(), found["boxes"].tolist()))


def compare(ours, theirs, bound: float) -> tuple[int, list[float]]:
    """Looks for each of theirs among ours; those at the score threshold may be in one of them only."""
    waiting = list(ours)
    worst = [0.0, 0.0]
    alone = 0
    for score, box in theirs:
        distance = lambda one: max(abs(a - b) for a, b in zip(one[1], box)) + 100 * abs(one[0] - score)
        nearest = min(waiting, key=distance, default=None)
        if nearest is None or distance(nearest) > 1:
            alone += score > bound + 0.01
            continue
        waiting.remove(nearest)
        worst[0] = max(worst[0], abs(nearest[0] - score))
        worst[1] = max(worst[1], *(abs(a - b) for a, b in zip(nearest[1], box)))
    alone += sum(score > bound + 0.01 for score, _ in waiting)
    return alone, worst


if __name__ == "__main__":
    sys.exit(main())
