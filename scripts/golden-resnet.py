"""Writes test/golden/resnet.json: what torchvision's ResNets give for made-up weights that test/support/made-up.ts makes too.

Run from the repository root with any torch and torchvision (Debian: python3-torchvision): python3 scripts/golden-resnet.py
"""

import json
import platform

import numpy as np
import torch
import torchvision

FEATURES_STEP = 97


def made_up(name, count):
    """`count` numbers in [-0.5, 0.5), from the name and the position alone; exact in float64."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(seed)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x = x ^ (x >> np.uint64(16))
    return x.astype(np.float64) / 2**32 - 0.5


def weight(name, shape):
    values = made_up(name, int(np.prod(shape)))
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        values = 1 + 0.5 * values
    elif len(shape) == 4:
        values = values * np.sqrt(24 / (shape[0] * shape[2] * shape[3]))
    elif len(shape) == 2:
        values = 0.1 * values
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def case(depth, stride_in):
    model = getattr(torchvision.models, f"resnet{depth}")()
    if stride_in == "1x1":
        for module in model.modules():
            if isinstance(module, torchvision.models.resnet.Bottleneck):
                module.conv1.stride, module.conv2.stride = module.conv2.stride, module.conv1.stride
    state = model.state_dict()
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = weight(name, tuple(value.shape))
    model.load_state_dict(state)
    model.eval()
    images = torch.from_numpy((4 * made_up("images", 2 * 3 * 65 * 97)).astype(np.float32).reshape(2, 3, 65, 97))
    kept = {}
    model.layer3.register_forward_hook(lambda *args: kept.update(maps=args[2]))
    with torch.no_grad():
        logits = model(images)
    maps = kept["maps"].permute(0, 2, 3, 1).contiguous()
    return {
        "depth": depth,
        "strideIn": stride_in,
        "conv4": {"shape": list(maps.shape), "every": FEATURES_STEP, "values": numbers(maps.flatten()[::FEATURES_STEP])},
        "logits": {"every": 25, "values": numbers(logits.flatten()[::25])},
    }


def numbers(tensor):
    return [float(f"{value:.7g}") for value in tensor.tolist()]


torch.set_num_threads(2)
result = {
    "versions": {"python": platform.python_version(), "torch": torch.__version__, "torchvision": torchvision.__version__},
    "cases": [case(depth, "3x3") for depth in (18, 34, 50, 101, 152)] + [case(50, "1x1")],
}
with open("test/golden/resnet.json", "w") as file:
    json.dump(result, file, separators=(",", ":"))
    file.write("\n")
