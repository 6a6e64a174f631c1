"""Compares resdet's boxes with torchvision's, on photos of many sizes: a detector of seeded random weights, or a file of
weights that torchvision's fasterrcnn_resnet50_fpn loads, is imported by `resdet import` and run by both.

Run from the repository root after `npm run build`: python3 scripts/compare_torchvision.py [COUNT [WEIGHTS]].
Ends with 1 where a score differs by more than 1e-3, an edge by more than 0.2 pixels, or more than 8 % of the detections are in
one of them only: boxes of random weights lie close together, and where two overlap by almost exactly the threshold,
rounding decides which one stays.
Last run with torch 2.15.0 and torchvision 0.29.2: 24 photos, scores within 3e-5, edges within 0.12 pixels, 28 of 527
detections in one of them only.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.models.detection import fasterrcnn_resnet50_fpn

usual = [(334, 500), (500, 334), (375, 500), (480, 640), (427, 640), (333, 333), (612, 97), (1080, 1920)]
SCORE, LESS = 0.6, 0.01


def photos(count: int):
    """Smooth noise of many sizes: PNG, so that both decode the same pixels."""
    random.seed(0)
    generator = np.random.default_rng(0)
    sizes = usual + [(random.randint(80, 900), random.randint(80, 900)) for _ in range(max(0, count - len(usual)))]
    for height, width in sizes[:count]:
        coarse = generator.integers(0, 256, (height // 24 + 2, width // 24 + 2, 3), np.uint8)
        yield Image.fromarray(coarse).resize((width, height), Image.BICUBIC)


def detector(weights: str | None):
    torch.manual_seed(0)
    model = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, box_score_thresh=SCORE)
    if weights is not None:
        model.load_state_dict(torch.load(weights, weights_only=True))
    else:
        # Boxes of random weights hardly move; these do.
        model.roi_heads.box_predictor.bbox_pred.weight.data *= 5
        model.rpn.head.cls_logits.weight.data *= 20
    return model.eval()


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    model = detector(sys.argv[2] if len(sys.argv) > 2 else None)
    bad, alone, total = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        root = Path(folder)
        (root / "photos").mkdir()
        torch.save(model.state_dict(), root / "w.pth")
        run = lambda *words: subprocess.run(["node", "bin/resdet.js", *map(str, words)], check=True, capture_output=True)
        run("import", root / "w.pth", "--model", "fasterrcnn_resnet50_fpn", "--out", root / "w.safetensors")
        images = list(photos(count))
        for index, image in enumerate(images):
            image.save(root / "photos" / f"{index:03}.png")
        arguments = ["--engine", "tensorflow", "--no-draw", "--score", SCORE, "--out", root / "out"]
        run("detect", "--weights", root / "w.safetensors", "--source", root / "photos", *arguments)
        lines = (root / "out" / "detections.jsonl").read_text().splitlines()
        for image, line in zip(images, lines, strict=True):
            pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255
            (theirs,) = model([pixels])
            ours = json.loads(line)["detections"]
            single, differs = compare(image.size, ours, theirs)
            bad, alone, total = bad + differs, alone + single, total + len(theirs["scores"])
    print(f"{count} photos: {bad} with differences; {alone} of {total} detections in one of them only")
    return int(bad > 0 or alone > 0.08 * total)


def compare(size, ours, theirs) -> tuple[int, int]:
    """Each of torchvision's detections is looked for among ours; those at the very bound may be in one of them only."""
    waiting = list(ours)
    worst = [0.0, 0.0]
    alone = 0
    for box, score in zip(theirs["boxes"].tolist(), theirs["scores"].tolist()):
        distance = lambda one: max(abs(a - b) for a, b in zip(one["box"], box)) + 100 * abs(one["score"] - score)
        nearest = min(waiting, key=distance, default=None)
        if nearest is None or distance(nearest) > 1:
            alone += score > SCORE + LESS
            continue
        waiting.remove(nearest)
        worst[0] = max(worst[0], abs(nearest["score"] - score))
        worst[1] = max(worst[1], *(abs(a - b) for a, b in zip(nearest["box"], box)))
    alone += sum(one["score"] > SCORE + LESS for one in waiting)
    print(f"{size[1]}x{size[0]}: {len(ours)} and {len(theirs['boxes'])}, {alone} alone, score {worst[0]:.1e}, edge {worst[1]:.1e}")
    return alone, int(worst[0] > 1e-3 or worst[1] > 0.2)


if __name__ == "__main__":
    sys.exit(main())
