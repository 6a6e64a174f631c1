"""Writes test/golden/cifar.json: what torch makes of CIFAR-10 test images with two published CIFAR ResNets.

The networks are written down here from the paper (section 4.2) with the shortcuts those files were trained with: every
second pixel, zero channels on both sides. Run from the repository root with any torch:
python3 scripts/golden-cifar.py ../shared/data
"""
import json
import pathlib
import platform
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
FILES = {"cifar_resnet20": "resnet20-12fca82f.th", "cifar_resnet32": "resnet32-d509ac18.th"}
LOGITS = 16


def conv(inner, out, stride):
    return nn.Conv2d(inner, out, 3, stride, 1, bias=False)


class Block(nn.Module):
    def __init__(self, inner, out, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inner, out, stride), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = conv(out, out, 1), nn.BatchNorm2d(out)
        self.stride, self.more = stride, out - inner

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        return F.relu(y + F.pad(shortcut, (0, 0, 0, 0, self.more // 2, self.more - self.more // 2)))


class CifarResNet(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 16, 1), nn.BatchNorm2d(16)
        inner = 16
        for stage, width in enumerate((16, 32, 64)):
            blocks = []
            for index in range((depth - 2) // 6):
                blocks.append(Block(inner, width, 2 if stage > 0 and index == 0 else 1))
                inner = width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def logits(model, images):
    with torch.no_grad():
        return torch.cat([model(part) for part in images.split(100)])


def case(name, data, images, labels):
    state = torch.load(data / "weights" / FILES[name], map_location="cpu")["state_dict"]
    model = CifarResNet(int(name[len("cifar_resnet") :]))
    model.load_state_dict({key[len("module.") :]: value for key, value in state.items()})
    scores = logits(model.eval(), images)
    said = scores.argmax(1)
    return {
        "network": name,
        "file": FILES[name],
        "right": int((said == labels).sum()),
        "said": "".join(map(str, said.tolist())),
        # The difference of the two best: where it is small, rounding may turn the order round.
        "closest": float(f"{(scores.topk(2).values * torch.tensor([1, -1])).sum(1).min():.3g}"),
        "logits": [[float(f"{value:.7g}") for value in row] for row in scores[:LOGITS].tolist()],
    }


torch.set_num_threads(2)
data = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
records = np.fromfile(data / "cifar10-subset" / "test_batch.bin", dtype=np.uint8).reshape(-1, 3073)
labels = torch.from_numpy(records[:, 0].astype(np.int64))
pixels = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32)) / 255
images = (pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(DEVIATION).view(1, 3, 1, 1)
result = {
    "versions": {"python": platform.python_version(), "torch": torch.__version__},
    "images": len(records),
    "cases": [case(name, data, images, labels) for name in FILES],
}
target = pathlib.Path(__file__).parent.parent / "test" / "golden" / "cifar.json"
target.write_text(json.dumps(result, separators=(",", ":")) + "\n")
for one in result["cases"]:
    print(one["network"], one["right"], "of", len(records), "closest", one["closest"])
