"""Made-up weights and images that test/support/made-up.ts makes too, so that none need to be kept."""

import numpy as np
import torch


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


def weight(name, shape, scale=1.0, shift=0.0):
    """A value for one entry of a state dict; `scale` multiplies a filter's or a matrix's usual spread, `shift` is added."""
    values = made_up(name, int(np.prod(shape)))
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        values = 1 + 0.5 * values
    elif len(shape) == 4:
        values = scale * np.sqrt(24 / (shape[0] * shape[2] * shape[3])) * values
    elif len(shape) == 2:
        values = scale * 0.1 * values
    return torch.from_numpy((values + shift).astype(np.float32).reshape(shape))


def images(name, *shape):
    """`[N, 3, H, W]` or `[3, H, W]`, uniform in [-2, 2)."""
    return torch.from_numpy((4 * made_up(name, int(np.prod(shape)))).astype(np.float32).reshape(shape))


def numbers(tensor, digits=7):
    return [float(f"{value:.{digits}g}") for value in tensor.flatten().tolist()]
