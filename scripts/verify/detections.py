"""Compares resdet's boxes with torchvision's on photos of many sizes, and torchvision's with its own in double precision.

A detector of seeded random weights, or a file of weights that torchvision publishes for --model (.pth), is imported by
`resdet import` and run by both. A detector that resdet trained (.safetensors, a ResNet-50 FPN with frozen norm) is loaded into
torchvision instead. Photos are smooth noise of many sizes, or of folders, by turns, every second one cut to an odd size.

Run from the repository root after `npm run build`, with torch, torchvision and safetensors:
    python3 scripts/verify/detections.py [--count N] [--weights FILE] [--model NAME] [--photos FOLDER...]
Ends with 1 where a score differs by more than 1e-3, an edge by more than 0.2 pixels, or more detections are in one of them only
than rounding explains: twice as many as torchvision has in one precision only, and three.
Two boxes that overlap by almost exactly the threshold, or two proposals of almost one score at the last place, are decided by
rounding.
"""

import argparse
import copy
import sys
import tempfile
from pathlib import Path

import torch
from peer import (
    RANDOM_SCORE,
    boxes_of,
    compare,
    found_by_resdet,
    pixels_of,
    resdet,
    save_photos,
    torchvision_detector,
    trained_detector,
    with_size_rule_of_torchvision,
)
from photos import photos


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--model", default="fasterrcnn_resnet50_fpn")
    parser.add_argument("--photos", type=Path, nargs="+")
    given = parser.parse_args()
    trained = given.weights is not None and given.weights.suffix == ".safetensors"
    if trained:
        model = trained_detector(given.weights)
    else:
        model = torchvision_detector(given.model, given.weights, box_score_thresh=RANDOM_SCORE)
    double = copy.deepcopy(model).double()
    score = model.roi_heads.score_thresh
    wrong, alone, alone_double, total = 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        root = Path(folder)
        if trained:
            with_size_rule_of_torchvision(given.weights, root / "w.safetensors")
        else:
            torch.save(model.state_dict(), root / "w.pth")
            resdet("import", root / "w.pth", "--model", given.model, "--out", root / "w.safetensors")
        images = photos(given.photos, given.count)
        save_photos(images, root / "photos")
        all_ours = found_by_resdet([root / "w.safetensors"], root / "photos", root / "out", score)
        for image, ours in zip(images, all_ours, strict=True):
            pixels = pixels_of(image)
            theirs = boxes_of(model([pixels])[0])
            single, worst = compare(ours, theirs, score)
            single_double, _ = compare(boxes_of(double([pixels.double()])[0]), theirs, score)
            print(f"{image.size[0]}x{image.size[1]}: {len(ours)} and {len(theirs)}, {single} alone ({single_double} in double "
                  f"precision), score {worst[0]:.1e}, edge {worst[1]:.1e}")  # fmt: skip
            wrong += worst[0] > 1e-3 or worst[1] > 0.2
            alone, alone_double, total = alone + single, alone_double + single_double, total + len(theirs)
    print(f"{len(images)} photos: {wrong} with differences; of {total} detections {alone} in one of them only, "
          f"{alone_double} between torchvision and torchvision in double precision")  # fmt: skip
    return int(wrong > 0 or alone > 2 * alone_double + 3)


if __name__ == "__main__":
    sys.exit(main())
