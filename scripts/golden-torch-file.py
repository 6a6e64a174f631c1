"""Writes test/golden/torch-{zip,legacy}.pth: one small checkpoint in PyTorch's two formats.

Run from the repository root with any torch (Debian: python3-torch): python3 scripts/golden-torch-file.py
"""

from collections import OrderedDict

import torch

counted = torch.arange(24, dtype=torch.float32)
state = OrderedDict()
state["module.conv1.weight"] = counted.reshape(2, 3, 2, 2)
# Views of one storage: a slice with an offset, and a transposed matrix.
state["module.view"] = counted[4:10]
state["module.turned"] = counted[:6].reshape(2, 3).t()
state["module.half"] = torch.tensor([0.5, -2.0], dtype=torch.float16)
state["module.parameter"] = torch.nn.Parameter(torch.tensor([1.5]))
state["module.bn1.num_batches_tracked"] = torch.tensor(7)
checkpoint = {"epoch": 3, "version": torch.__version__ + "", "state_dict": state, "best": 0.25}
torch.save(checkpoint, "test/golden/torch-zip.pth")
torch.save(checkpoint, "test/golden/torch-legacy.pth", _use_new_zipfile_serialization=False)
