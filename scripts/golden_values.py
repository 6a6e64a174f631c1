"""How golden values of tensors are cut down and written; test/support/golden-detector.ts reads them."""

import json
import platform

import torch
import torchvision

from made_up import numbers


def versions():
    return {"python": platform.python_version(), "torch": torch.__version__, "torchvision": torchvision.__version__}


def sampled(tensor, count=48):
    """Enough of a tensor to recognise it: shape, means, and every so-maniest value. Four axes come in the order NHWC."""
    if tensor.dim() == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    flat = tensor.detach().contiguous().flatten().double()
    every = max(1, flat.numel() // count) | 1
    return {
        "shape": list(tensor.shape),
        "mean": float(f"{flat.mean():.7g}"),
        "meanAbs": float(f"{flat.abs().mean():.7g}"),
        "every": every,
        "values": numbers(flat[::every]),
    }


def weight_gradient(tensor):
    """A filter's gradient with the axes HWIO, a matrix's as `[in, out]`."""
    flat = tensor.permute(2, 3, 1, 0) if tensor.dim() == 4 else tensor.t()
    return {**sampled(flat.reshape(-1)), "shape": list(flat.shape)}


def write(name, value):
    """Writes test/golden/detector/<name>.json, with what made it."""
    with open(f"test/golden/detector/{name}.json", "w") as file:
        json.dump({"versions": versions(), **value}, file, separators=(",", ":"))
        file.write("\n")
