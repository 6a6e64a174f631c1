"""Milliseconds of torchvision's training steps, for `bench.ts`: one JSON document on stdout.
`bench_train_peer.py CONFIG BATCH STEPS LAYOUT`; CONFIG is a detector's of ours, as JSON, LAYOUT `contiguous`,
`channels_last` or `bf16` (channels_last with autocast)."""

import json
import sys
import time

import torch
import torchvision

from bench_torchvision import build

WARM_UP = 2
CLASSES = 80
OBJECTS = 7


def main(config, batch, steps, layout):
    torch.manual_seed(0)
    model = build(config, CLASSES + 1).train()
    if layout != "contiguous":
        model = model.to(memory_format=torch.channels_last)
    for name, parameter in model.named_parameters():
        # The stem and layer1, as ours.
        parameter.requires_grad_(not any(part in name for part in ("backbone.body.conv1", "backbone.body.layer1", "backbone.conv1", "backbone.layer1")))
    images = [torch.rand(3, 480, 640) for _ in range(batch)]
    targets = []
    for _ in images:
        corner, side = torch.rand(OBJECTS, 2) * torch.tensor([400.0, 250.0]), 30 + 200 * torch.rand(OBJECTS, 2)
        targets.append({"boxes": torch.cat([corner, corner + side], 1), "labels": torch.randint(1, CLASSES + 1, (OBJECTS,))})
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 1e-5, momentum=0.9, weight_decay=1e-4)
    seconds = []
    for _ in range(WARM_UP + steps):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=layout == "bf16"):
            losses = model(images, targets)
        total = sum(losses.values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        total.item()
        seconds.append(time.perf_counter() - start)
    json.dump({"version": torchvision.__version__, "step": [1000 * s for s in seconds[WARM_UP:]]}, sys.stdout)


main(json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
