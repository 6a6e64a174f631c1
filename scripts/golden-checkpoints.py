"""Writes test/golden/checkpoint-{odd,legacy,protocol0}.{pth,pkl}: what training code leaves beside a network's weights.

Run from the repository root with torch and numpy: python3 scripts/golden-checkpoints.py
Made with torch 2.15.0 and numpy 2.4.6.
"""

import pickle
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import torch


def network(first: float) -> OrderedDict:
    """A ResNet's first names, of values that tell the tables apart."""
    state = OrderedDict()
    state["module._orig_mod.conv1.weight"] = torch.full((2, 3, 1, 1), first)
    state["module._orig_mod.layer1.0.conv1.weight"] = torch.tensor([first + 1]).reshape(1, 1, 1, 1)
    return state


class Meter:
    """A class that no reader of weights knows."""

    def __init__(self):
        self.value = 3


odd = network(1.0)
odd["expanded"] = torch.tensor([[2.5], [3.5]]).expand(2, 3)
odd["whole"] = torch.tensor([[1, -2], [3, 4]], dtype=torch.int16)
odd["mask"] = torch.tensor([True, False, True])
odd["bytes"] = torch.tensor([1, 255], dtype=torch.uint8)
odd["complex"] = torch.tensor([1 + 2j])
odd["small"] = torch.tensor([0.5, -448.0]).to(torch.float8_e4m3fn)
odd["sparse"] = torch.eye(2).to_sparse()
odd["quantised"] = torch.quantize_per_tensor(torch.tensor([1.0, 2.0]), 0.1, 10, torch.quint8)
checkpoint = {
    "epoch": 3,
    "counts": Counter("abca"),
    "milestones": {8, 11},
    "frozen": frozenset([1]),
    "device": torch.device("cpu"),
    "dtype": torch.float16,
    "note": b"\x00\xff",
    "best": np.float64(0.5),
    "history": np.arange(3.0),
    "big": 2**80,
    "z": 1j,
    "args": Meter(),
    "state": defaultdict(dict),
    "rng": torch.arange(4, dtype=torch.uint8),
    "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"params": [0]}]},
    "model_ema": {"state_dict": network(5.0)},
    "net": {"inner": odd},
}
Meter.__module__ = "training"
import sys
import types

sys.modules["training"] = types.SimpleNamespace(Meter=Meter)
torch.save(checkpoint, "test/golden/checkpoint-odd.pth")
torch.save(checkpoint, "test/golden/checkpoint-legacy.pth", _use_new_zipfile_serialization=False)
arrays = {name: tensor.numpy() for name, tensor in network(7.0).items()}
with open("test/golden/checkpoint-protocol0.pkl", "wb") as file:
    pickle.dump({"model": arrays, "caf\u00e9 \u20ac": "\u00e9\n"}, file, 0)
