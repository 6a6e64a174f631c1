"""Writes test/golden/sizes.json: the size at which torchvision, detectron2 and OpenCV, as py-faster-rcnn calls it, resize
photos of some dozens of sizes.

Run from the repository root: python3 scripts/golden-sizes.py DETECTRON2, where DETECTRON2 is a checkout of detectron2, of
which only ResizeShortestEdge.get_output_shape is run. Made with torch 2.15.0, torchvision 0.29.2, OpenCV 5.0.0 and
detectron2 at the commit that stands in the file.
"""

import ast
import json
import random
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
import torchvision
from torchvision.models.detection.transform import GeneralizedRCNNTransform

goals = [(800, 1333), (600, 1000), (640, 640), (333, 500)]
usual = [(334, 500), (500, 334), (375, 500), (480, 640), (427, 640), (640, 480), (1080, 1920), (333, 333), (20, 900), (7, 5)]
random.seed(0)
photos = usual + [(random.randint(60, 1400), random.randint(60, 1400)) for _ in range(40)]


def by_torchvision(height, width, size, most):
    transform = GeneralizedRCNNTransform(size, most, [0.0] * 3, [1.0] * 3)
    return list(transform.resize(torch.zeros(3, height, width), None)[0].shape[1:])


def detectron2_function(checkout):
    path = "detectron2/data/transforms/augmentation_impl.py"
    git = ["git", "-C", checkout]
    source = subprocess.run([*git, "show", f"HEAD:{path}"], check=True, capture_output=True, text=True).stdout
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    found = next(node for node in functions if node.name == "get_output_shape" and len(node.args.args) == 4)
    found.decorator_list, found.returns = [], None
    names = {}
    exec(compile(ast.Module([found], []), path, "exec"), names)
    return lambda *sides: list(names["get_output_shape"](*sides)), commit


def by_opencv(height, width, size, most):
    """py-faster-rcnn lib/utils/blob.py chooses the scale, OpenCV the size."""
    scale = float(size) / min(height, width)
    if np.round(scale * max(height, width)) > most:
        scale = float(most) / max(height, width)
    return list(cv2.resize(np.zeros((height, width), np.uint8), None, fx=scale, fy=scale).shape)


by_detectron2, commit = detectron2_function(sys.argv[1])
cases = [
    {
        "photo": [height, width],
        "goal": [size, most],
        "torchvision": by_torchvision(height, width, size, most),
        "detectron2": by_detectron2(height, width, size, most),
        "paper": by_opencv(height, width, size, most),
    }
    for size, most in goals
    for height, width in photos
    if height * width * (size / min(height, width)) ** 2 < 4e7
]
versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "opencv": cv2.__version__}
target = Path("test/golden/sizes.json")
target.write_text(json.dumps({"versions": {**versions, "detectron2": commit}, "cases": cases}) + "\n")
print(f"{target}: {len(cases)} cases")
