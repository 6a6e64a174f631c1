"""torchvision's detectors with the weights of resdet's, and what both found side by side."""

import json
import struct
import subprocess
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torchvision.models import detection

RANDOM_SCORE = 0.6


def resdet(*words) -> None:
    subprocess.run(["node", "bin/resdet.js", *map(str, words)], check=True, capture_output=True)


def torchvision_detector(name: str, weights: Path | None, seed: int = 0, **options):
    """Seeded random weights, or a file's as torchvision publishes them."""
    torch.manual_seed(seed)
    model = getattr(detection, name)(weights=None, weights_backbone=None, **options)
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


def with_config(weights: Path, to: Path, **changes) -> None:
    """A copy of a detector of resdet's whose description says otherwise in some places."""
    header, tensors = described(weights)
    about = json.loads(header["__metadata__"]["resdet"])
    about["config"].update(changes)
    header["__metadata__"]["resdet"] = json.dumps(about)
    text = json.dumps(header).encode()
    to.write_bytes(struct.pack("<Q", len(text)) + text + tensors)


def with_size_rule_of_torchvision(weights: Path, to: Path) -> None:
    with_config(weights, to, sizeRule="torchvision")


def trained_detector(weights: Path):
    """torchvision's detector with the weights and test settings of one that resdet trained."""
    about = json.loads(described(weights)[0]["__metadata__"]["resdet"])
    config = about["config"]
    options = config["options"]
    proposals, select = options["proposals"]["test"], options["select"]
    model = detection.fasterrcnn_resnet50_fpn(
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


def pixels_of(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255


def save_photos(images: list[Image.Image], folder: Path) -> None:
    """As PNG, so that both decode the same pixels; in the order of their names."""
    folder.mkdir()
    for index, image in enumerate(images):
        image.save(folder / f"{index:03}.png")


def found_by_resdet(weights: list[Path], photos: Path, out: Path, score: float, *switches: str):
    """The detections of each photo: label from 1 on, score, box."""
    resdet("detect", "--weights", *weights, "--source", photos, "--engine", "tensorflow", "--no-draw", "--score", score,
           "--out", out, *switches)  # fmt: skip
    lines = [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()]
    return [[(one["classId"], one["score"], one["box"]) for one in line["detections"]] for line in lines]


def boxes_of(found):
    return list(zip(found["labels"].tolist(), found["scores"].tolist(), found["boxes"].tolist()))


def compare(ours, theirs, bound: float) -> tuple[int, list[float]]:
    """Looks for each of theirs among ours of the same class; those at the score threshold may be in one of them only.
    Returns how many are alone, and the worst difference of a score and of an edge."""
    waiting = list(ours)
    worst = [0.0, 0.0]
    alone = 0
    for label, score, box in theirs:
        distance = lambda one: max(abs(a - b) for a, b in zip(one[2], box)) + 100 * abs(one[1] - score)
        nearest = min((one for one in waiting if one[0] == label), key=distance, default=None)
        if nearest is None or distance(nearest) > 1:
            alone += score > bound + 0.01
            continue
        waiting.remove(nearest)
        worst[0] = max(worst[0], abs(nearest[1] - score))
        worst[1] = max(worst[1], *(abs(a - b) for a, b in zip(nearest[2], box)))
    alone += sum(score > bound + 0.01 for _, score, _ in waiting)
    return alone, worst
