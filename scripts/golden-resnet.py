"""Writes test/golden/resnet.json: what torchvision's ResNets give for made-up weights that test/support/made-up.ts makes too.

Run from the repository root with any torch and torchvision (Debian: python3-torchvision): python3 scripts/golden-resnet.py
"""

import json
import platform

import torch
import torchvision

from made_up import images as made_up_images
from made_up import numbers, weight

FEATURES_STEP = 97


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
    images = made_up_images("images", 2, 3, 65, 97)
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


torch.set_num_threads(2)
result = {
    "versions": {"python": platform.python_version(), "torch": torch.__version__, "torchvision": torchvision.__version__},
    "cases": [case(depth, "3x3") for depth in (18, 34, 50, 101, 152)] + [case(50, "1x1")],
}
with open("test/golden/resnet.json", "w") as file:
    json.dump(result, file, separators=(",", ":"))
    file.write("\n")
