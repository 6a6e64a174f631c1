"""Seconds of torch's training steps, for `bench-classify.ts`: one JSON list on stdout.
`bench_classify_peer.py NETWORK BATCH SIDE STEPS LAYOUT`; NETWORK is torchvision's name, or `cifar_resnet20`,
LAYOUT `contiguous`, `channels_last` or `bf16` (channels_last with autocast)."""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models

WARM_UP = 3


class CifarBlock(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        self.stride = 1 if channels == out else 2
        self.conv1, self.bn1 = nn.Conv2d(channels, out, 3, self.stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.zeros = out - channels

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        if self.zeros:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.zeros))
        return F.relu(x + y, inplace=True)


def cifar_resnet(depth):
    """The paper's section 4.2, option A."""
    widths = [16, 16, 32, 64]
    blocks = [CifarBlock(widths[s] if i == 0 else widths[s + 1], widths[s + 1]) for s in range(3) for i in range((depth - 2) // 6)]
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def main(name, batch, side, steps, layout):
    torch.manual_seed(0)
    cifar = name.startswith("cifar_resnet")
    network = cifar_resnet(int(name[len("cifar_resnet") :])) if cifar else getattr(models, name)()
    form = torch.contiguous_format if layout == "contiguous" else torch.channels_last
    network = network.to(memory_format=form).train()
    images = torch.randn(batch, 3, side, side).to(memory_format=form)
    labels = torch.arange(batch) % (10 if cifar else 1000)
    optimizer = torch.optim.SGD(network.parameters(), 1e-3, momentum=0.9, weight_decay=1e-4)
    seconds = []
    for _ in range(WARM_UP + steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=layout == "bf16"):
            loss = F.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - start)
    json.dump({"version": torch.__version__, "seconds": seconds[WARM_UP:]}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5])
