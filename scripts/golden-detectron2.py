"""Writes test/golden/detector/detectron2.json and test/golden/detectron2.pkl: detectron2's R50-C4 and an MSRA backbone.

The networks are built of torch's own operations as detectron2 builds them: BGR less PIXEL_MEAN and no std, the stride of a
block in its first 1x1, frozen batch norms, 14x14 aligned regions with as many points as fit, the background as the last
class, a cell's anchors size by size. Their weights are made up from their names (scripts/made_up.py), so that only what
the networks give is kept. The small .pkl is a real pickle, in the form in which detectron2 writes its models.

Run from the repository root (Debian: python3-torchvision): python3 scripts/golden-detectron2.py
"""

import pickle
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.ops import roi_align

import made_up
from golden_values import sampled, write

HEIGHT, WIDTH, CLASSES, SIZES, RATIOS = 64, 96, 4, 5, 3
BLOCKS = {2: 3, 3: 4, 4: 6, 5: 3}
# detectron2 config/defaults.py: PIXEL_MEAN, for blue, green and red.
PIXEL_MEAN = torch.tensor([103.530, 116.280, 123.675]).view(3, 1, 1)
BOXES = torch.tensor([[4.0, 6.0, 60.5, 50.25], [30.0, 2.0, 90.0, 63.0], [0.0, 0.0, 96.0, 64.0]])


class Network:
    """Made-up weights by detectron2's names, made when they are asked for; `conv` is a convolution with its norm."""

    def __init__(self, rename=lambda name: name, norm="statistics"):
        self.shapes = OrderedDict()
        self.rename, self.norm = rename, norm

    def value(self, name, *shape):
        known = self.rename(name)
        self.shapes[known] = list(shape)
        return made_up.weight(known, shape)

    def conv(self, x, name, out, kernel=1, stride=1):
        x = F.conv2d(x, self.value(f"{name}.weight", out, x.shape[1], kernel, kernel), stride=stride, padding=kernel // 2)
        scale, offset = self.value(f"{name}.norm.weight", out), self.value(f"{name}.norm.bias", out)
        if self.norm == "statistics":
            mean, variance = self.value(f"{name}.norm.running_mean", out), self.value(f"{name}.norm.running_var", out)
            return F.batch_norm(x, mean, variance, scale, offset, eps=1e-5)
        return x * scale.view(1, -1, 1, 1) + offset.view(1, -1, 1, 1)

    def block(self, x, name, out, stride):
        """detectron2 BottleneckBlock with stride_in_1x1."""
        y = F.relu(self.conv(x, f"{name}.conv1", out // 4, stride=stride))
        y = F.relu(self.conv(y, f"{name}.conv2", out // 4, kernel=3))
        y = self.conv(y, f"{name}.conv3", out)
        beside = x if x.shape[1] == out else self.conv(x, f"{name}.shortcut", out, stride=stride)
        return F.relu(y + beside)

    def stage(self, x, prefix, number):
        for index in range(BLOCKS[number]):
            stride = 2 if index == 0 and number > 2 else 1
            x = self.block(x, f"{prefix}res{number}.{index}", 256 * 2 ** (number - 2), stride)
        return x

    def stem_to_res4(self, x, prefix):
        x = F.relu(self.conv(x, f"{prefix}stem.conv1", 64, kernel=7, stride=2))
        x = F.max_pool2d(x, 3, 2, 1)
        for number in (2, 3, 4):
            x = self.stage(x, prefix, number)
        return x

    def layer(self, x, name, out, kernel=None):
        """With a bias: a convolution, or a linear layer without a kernel."""
        shape = [out, x.shape[1]] + ([kernel, kernel] if kernel else [])
        weight, bias = self.value(f"{name}.weight", *shape), self.value(f"{name}.bias", out)
        return F.conv2d(x, weight, bias, padding=kernel // 2) if kernel else F.linear(x, weight, bias)


def picture():
    """Whole values 0..255, red, green and blue."""
    values = np.floor((made_up.made_up("detectron2 picture", 3 * HEIGHT * WIDTH) + 0.5) * 256)
    return torch.from_numpy(values.astype(np.float32).reshape(3, HEIGHT, WIDTH))


def enter(rgb):
    return (rgb.flip(0) - PIXEL_MEAN)[None]


def faster_rcnn():
    network = Network()
    features = network.stem_to_res4(enter(picture()), "backbone.")
    hidden = F.relu(network.layer(features, "proposal_generator.rpn_head.conv", 1024, 3))
    logits = network.layer(hidden, "proposal_generator.rpn_head.objectness_logits", SIZES * RATIOS, 1)
    deltas = network.layer(hidden, "proposal_generator.rpn_head.anchor_deltas", 4 * SIZES * RATIOS, 1)
    _, _, height, width = features.shape
    # By cells, and within each ratio by ratio, as torchvision orders anchors.
    by_cell = logits.view(1, SIZES, RATIOS, height, width).permute(0, 3, 4, 2, 1).reshape(1, -1)
    boxes_by_cell = deltas.view(1, SIZES, RATIOS, 4, height, width).permute(0, 4, 5, 2, 1, 3).reshape(1, -1, 4)
    pooled = roi_align(features, [BOXES], 14, 1 / 16, sampling_ratio=0, aligned=True)
    vectors = network.stage(pooled, "roi_heads.", 5).mean(dim=(2, 3))
    scores = network.layer(vectors, "roi_heads.box_predictor.cls_score", CLASSES + 1)
    boxes = network.layer(vectors, "roi_heads.box_predictor.bbox_pred", 4 * CLASSES)
    return {
        "shapes": network.shapes,
        "features": sampled(features),
        "logits": sampled(by_cell),
        "deltas": sampled(boxes_by_cell),
        "boxes": BOXES.flatten().tolist(),
        # The background first, whose box is unused.
        "classLogits": sampled(torch.cat([scores[:, -1:], scores[:, :-1]], 1)),
        "boxDeltas": sampled(torch.cat([torch.zeros(len(BOXES), 4), boxes], 1)),
    }


def caffe2_name(name):
    """`res2.0.conv1.norm.bias` as the MSRA backbones of Detectron have it: `res2_0_branch2a_bn_b`."""
    parts = {"weight": "w", "norm.weight": "bn_s", "norm.bias": "bn_b"}
    if name.startswith("stem.conv1."):
        part = parts[name[len("stem.conv1.") :]]
        return "conv1_w" if part == "w" else f"res_conv1_{part}"
    stage, block, conv, part = name.split(".", 3)
    branch = {"shortcut": "1", "conv1": "2a", "conv2": "2b", "conv3": "2c"}[conv]
    return f"{stage}_{block}_branch{branch}_{parts[part]}"


def msra():
    network = Network(caffe2_name, norm="scale")
    features = network.stem_to_res4(enter(picture()), "")
    return {"shapes": network.shapes, "features": sampled(features)}


def small_pickle():
    """Each way in which numpy lays an array into a pickle that detectron2's files have."""
    values = np.arange(6, dtype=np.float32)
    model = OrderedDict()
    model["backbone.stem.conv1.weight"] = values.reshape(2, 3, 1, 1)
    model["proposal_generator.anchor_generator.cell_anchors.0"] = np.zeros((15, 4), np.float32)
    model["pixel_mean"] = PIXEL_MEAN.numpy()
    model["pixel_std"] = np.ones((3, 1, 1), np.float32)
    model["fortran"] = np.asfortranarray(values.reshape(2, 3))
    model["half"] = values.astype(np.float16)
    model["count"] = np.int64(7)
    with open("test/golden/detectron2.pkl", "wb") as file:
        pickle.dump({"model": model, "__author__": "Detectron2 Model Zoo"}, file)


if __name__ == "__main__":
    torch.manual_seed(0)
    with torch.no_grad():
        write("detectron2", {"height": HEIGHT, "width": WIDTH, "c4": faster_rcnn(), "msra": msra()})
    small_pickle()
