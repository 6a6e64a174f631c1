"""Compares what `resdet detect` finds by its switches of test time with a derivation of them by torchvision's operations.

Refinement, box voting, several scales with maxout, mirror images and ensembles (the ResNet paper, appendix B; docs/test-time.md)
are written again here, around torchvision's network: its transform, RoIAlign, box coder, NMS and IoU. Weights are those of one
or two detectors that resdet trained (ResNet-50 FPN with frozen norm, same classes); of one alone, the second of the ensemble is
the first with seeded noise. Without any both are seeded random weights.

Run from the repository root after `npm run build`, with torch, torchvision and safetensors:
    python3 scripts/verify/test_time.py [--weights FILE [FILE]] [--photos FOLDER...] [--count N]
Ends with 1 by the rule of detections.py, kept for each set of switches.
"""

import argparse
import copy
import math
import sys
import tempfile
from pathlib import Path

import torch
from peer import (
    boxes_of,
    compare,
    described,
    found_by_resdet,
    pixels_of,
    resdet,
    save_photos,
    torchvision_detector,
    trained_detector,
    with_config,
    with_size_rule_of_torchvision,
)
from photos import photos
from safetensors.torch import load_file, save_file
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import box_iou, clip_boxes_to_image, nms, remove_small_boxes

CANONICAL_AREA = 224**2
VOTE_IOU = 0.5
SMALLEST_SIDE = 0.01
NOISE = 0.02
# Photos become small for the made-up detectors.
MADE_UP_SIZES = {"size": 256, "maxSize": 427}
MADE_UP_SCORE = 0.3


def cases(size: int):
    """The flags of `resdet detect` and what they mean here."""
    scales = [round(size * share) for share in (0.75, 1, 1.25)]
    of_scales = ["--scales", ",".join(map(str, scales))]
    paper = {"refine": True, "vote": True, "nms": 0.3}
    of_paper = ["--refine", "--vote", "--nms", "0.3"]
    return [
        ("none", [], {}),
        ("--nms 0.3", ["--nms", "0.3"], {"nms": 0.3}),
        ("--refine", ["--refine"], {"refine": True}),
        ("--vote", ["--vote"], {"vote": True}),
        ("--scales", of_scales, {"scales": scales}),
        ("--flip", ["--flip"], {"flip": True}),
        ("--refine --vote --nms 0.3", of_paper, paper),
        ("--refine --vote --nms 0.3 --scales", of_paper + of_scales, {**paper, "scales": scales}),
        ("two weights", [], {"detectors": 2}),
        ("two weights, --refine --vote --nms 0.3 --scales", of_paper + of_scales, {**paper, "scales": scales, "detectors": 2}),
    ]


class Look:
    """A photo's features at one size."""

    def __init__(self, model, pixels, size: int):
        own = model.transform
        longest = math.floor(own.max_size * size / own.min_size[0] + 0.5)
        at_size = GeneralizedRCNNTransform(size, longest, own.image_mean, own.image_std)
        self.images, _ = at_size([pixels])
        self.features = model.backbone(self.images.tensors)
        height, width = self.images.image_sizes[0]
        x, y = width / pixels.shape[2], height / pixels.shape[1]
        self.ratio = torch.tensor([x, y, x, y], dtype=torch.float64)

    def to_input(self, boxes):
        return (boxes * self.ratio).to(boxes.dtype)

    def to_photo(self, boxes):
        return (boxes / self.ratio).to(boxes.dtype)


class Member:
    """One network on one photo; boxes are in pixels of the photo."""

    def __init__(self, model, pixels):
        self.model, self.pixels, self.looks = model, pixels, {}

    def look(self, size: int) -> Look:
        if size not in self.looks:
            self.looks[size] = Look(self.model, self.pixels, size)
        return self.looks[size]

    def own_look(self) -> Look:
        return self.look(self.model.transform.min_size[0])

    def propose(self):
        look = self.own_look()
        return look.to_photo(self.model.rpn(look.images, look.features)[0][0])

    def vectors(self, regions, look: Look):
        pool, head = self.model.roi_heads.box_roi_pool, self.model.roi_heads.box_head
        return head(pool(look.features, [look.to_input(regions)], look.images.image_sizes))

    def maxout(self, regions, sizes: list[int]):
        """Of each region's vectors at the two sizes that bring its area nearest to 224 x 224, the larger of each channel."""
        looks = [self.look(size) for size in sizes]
        width, height = (regions[:, 2:] - regions[:, :2]).double().unbind(1)
        off = torch.stack([(width * height * look.ratio[0] * look.ratio[1] - CANONICAL_AREA).abs() for look in looks], 1)
        nearest = off.argsort(dim=1, stable=True)[:, :2]
        vectors = torch.stack([self.vectors(regions, look) for look in looks], 1)
        rows = torch.arange(len(regions))
        return torch.maximum(vectors[rows, nearest[:, 0]], vectors[rows, nearest[:, 1]])

    def predict(self, regions, scales):
        """Scores [R, K + 1] and boxes [R, K + 1, 4]."""
        vectors = self.maxout(regions, scales) if scales else self.vectors(regions, self.own_look())
        logits, deltas = self.model.roi_heads.box_predictor(vectors)
        return logits.softmax(-1), self.model.roi_heads.box_coder.decode(deltas, [regions])


def candidates(members: list[Member], score: float, refine=False, scales=None, **_):
    """All boxes scored above `score`, cut to the photo: labels, scores, boxes."""
    height, width = members[0].pixels.shape[1:]
    predict = lambda regions: [torch.stack(parts).mean(0) for parts in zip(*(one.predict(regions, scales) for one in members))]
    scores, boxes = predict(torch.cat([one.propose() for one in members]))
    if refine:
        likeliest = scores[:, 1:].argmax(1) + 1
        again = clip_boxes_to_image(boxes[torch.arange(len(boxes)), likeliest], (height, width))
        more_scores, more_boxes = predict(again[remove_small_boxes(again, SMALLEST_SIDE)])
        scores, boxes = torch.cat([scores, more_scores]), torch.cat([boxes, more_boxes])
    regions, labels = torch.nonzero(scores[:, 1:] > score, as_tuple=True)
    labels = labels + 1
    found = clip_boxes_to_image(boxes[regions, labels], (height, width))
    keep = remove_small_boxes(found, SMALLEST_SIDE)
    return labels[keep], scores[regions, labels][keep], found[keep]


def select(labels, scores, boxes, limit: int, nms_threshold: float, vote: bool):
    chosen = []
    for label in labels.unique():
        own_scores, own_boxes = scores[labels == label], boxes[labels == label]
        kept = nms(own_boxes, own_scores, nms_threshold)[:limit]
        lie = own_boxes[kept]
        if vote:
            weights = (box_iou(lie, own_boxes) >= VOTE_IOU) * own_scores
            lie = weights @ own_boxes / weights.sum(1, keepdim=True)
        chosen.append((label.expand(len(kept)), own_scores[kept], lie))
    if not chosen:
        return []
    labels, scores, boxes = (torch.cat(parts) for parts in zip(*chosen))
    best = scores.argsort(descending=True, stable=True)[:limit]
    return boxes_of({"labels": labels[best], "scores": scores[best], "boxes": boxes[best]})


def found_by_derivation(models, pixels, meanings, least: float, final: float):
    """The detections of one photo for each set of switches."""
    straight = [Member(model, pixels) for model in models]
    mirrored = [Member(model, pixels.flip(2)) for model in models]
    for meaning in meanings:
        count = meaning.get("detectors", 1)
        parts = [candidates(straight[:count], least, **meaning)]
        if meaning.get("flip"):
            labels, scores, boxes = candidates(mirrored[:count], least, **meaning)
            left, right = pixels.shape[2] - boxes[:, 2], pixels.shape[2] - boxes[:, 0]
            parts.append((labels, scores, torch.stack([left, boxes[:, 1], right, boxes[:, 3]], 1)))
        heads = models[0].roi_heads
        threshold = meaning.get("nms", heads.nms_thresh)
        found = select(*(torch.cat(part) for part in zip(*parts)), heads.detections_per_img, threshold, meaning.get("vote", False))
        yield [one for one in found if one[1] >= final]


def with_noise(weights: Path, to: Path) -> Path:
    """A second detector: the first one's weights, each moved by a seeded share of its tensor's spread."""
    torch.manual_seed(1)
    moved = {name: value + NOISE * value.std(correction=0) * torch.randn_like(value) for name, value in load_file(weights).items()}
    save_file(moved, to, metadata=described(weights)[0]["__metadata__"])
    return to


def made_up_detectors(root: Path) -> list[Path]:
    for seed in (0, 1):
        model = torchvision_detector("fasterrcnn_resnet50_fpn", None, seed)
        torch.save(model.state_dict(), root / f"{seed}.pth")
        resdet("import", root / f"{seed}.pth", "--model", "fasterrcnn_resnet50_fpn", "--out", root / f"{seed}-whole.safetensors")
        with_config(root / f"{seed}-whole.safetensors", root / f"{seed}.safetensors", **MADE_UP_SIZES)
    return [root / "0.safetensors", root / "1.safetensors"]


def detectors(given: list[Path], root: Path) -> list[Path]:
    """Files of two detectors that enlarge photos as torchvision does."""
    files = given if len(given) > 1 else [given[0], with_noise(given[0], root / "noise.safetensors")]
    for place, file in enumerate(files[:2]):
        with_size_rule_of_torchvision(file, root / f"detector{place}.safetensors")
    return [root / "detector0.safetensors", root / "detector1.safetensors"]


class Tally:
    """What the photos of one set of switches came to."""

    def __init__(self):
        self.total = self.alone = self.alone_double = self.wrong = 0
        self.worst = [0.0, 0.0]

    def add(self, ours, theirs, double, score: float) -> None:
        single, worst = compare(ours, theirs, score)
        self.alone += single
        self.alone_double += compare(double, theirs, score)[0]
        self.total += len(theirs)
        self.wrong += worst[0] > 1e-3 or worst[1] > 0.2
        self.worst = [max(pair) for pair in zip(self.worst, worst)]

    def holds(self) -> bool:
        return self.wrong == 0 and self.alone <= 2 * self.alone_double + 3


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", type=Path, nargs="+")
    parser.add_argument("--photos", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=12)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        root = Path(folder)
        files = detectors(given.weights or made_up_detectors(root), root)
        models = [trained_detector(file) for file in files]
        doubles = [copy.deepcopy(model).double() for model in models]
        least = models[0].roi_heads.score_thresh
        final = least if given.weights else MADE_UP_SCORE
        images = photos(given.photos, given.count)
        save_photos(images, root / "photos")
        switches = cases(models[0].transform.min_size[0])
        ours = []
        for place, (_, flags, meaning) in enumerate(switches):
            ours.append(found_by_resdet(files[: meaning.get("detectors", 1)], root / "photos", root / f"out{place}", final, *flags))
        tallies = [Tally() for _ in switches]
        meanings = [meaning for _, _, meaning in switches]
        for index, image in enumerate(images):
            pixels = pixels_of(image)
            theirs = found_by_derivation(models, pixels, meanings, least, final)
            double = found_by_derivation(doubles, pixels.double(), meanings, least, final)
            for place, (single_found, double_found) in enumerate(zip(theirs, double)):
                tallies[place].add(ours[place][index], single_found, double_found, final)
            print(f"photo {index + 1} of {len(images)}, {image.size[0]}x{image.size[1]}", file=sys.stderr)
    for (name, _, _), one in zip(switches, tallies):
        print(f"{name}: {one.total} detections, {one.alone} in one of them only ({one.alone_double} in double precision), "
              f"score {one.worst[0]:.1e}, edge {one.worst[1]:.1e}")  # fmt: skip
    total = lambda name: sum(getattr(one, name) for one in tallies)
    print(f"{len(images)} photos, {len(switches)} sets of switches: {total('wrong')} with differences; of {total('total')} detections "
          f"{total('alone')} in one of them only, {total('alone_double')} between the derivation and itself in double precision")  # fmt: skip
    return int(not all(one.holds() for one in tallies))


if __name__ == "__main__":
    sys.exit(main())
