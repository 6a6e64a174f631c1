"""torchvision's side of `prove.ts`, on a GPU where torch finds one: one JSON document on stdout.
`torchvision_peer.py CASE`, JSON: {kind: train | detect | classify, config, batch, size, steps}."""

import json
import pathlib
import sys
import time

import torch
import torchvision
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from bench_torchvision import build

WARM_UP = 3
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def timed(work, steps):
    """Milliseconds of each step, with the device's work done."""
    times = []
    for _ in range(WARM_UP + steps):
        start = time.perf_counter()
        work()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - start))
    return times[WARM_UP:]


def photos(batch):
    return [torch.rand(3, 480, 640, device=DEVICE) for _ in range(batch)]


def train(case):
    model = build(case["config"], 81).to(DEVICE).to(memory_format=torch.channels_last).train()
    for name, parameter in model.named_parameters():
        # The stem and layer1, as ours.
        frozen = ("backbone.body.conv1", "backbone.body.layer1", "backbone.conv1", "backbone.layer1")
        parameter.requires_grad_(not name.startswith(frozen))
    images, targets = photos(case["batch"]), []
    for _ in images:
        corner = torch.rand(7, 2) * torch.tensor([400.0, 250.0])
        boxes = torch.cat([corner, corner + 30 + 200 * torch.rand(7, 2)], 1)
        targets.append({"boxes": boxes.to(DEVICE), "labels": torch.randint(1, 81, (7,)).to(DEVICE)})
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 1e-5, momentum=0.9, weight_decay=1e-4)

    def step():
        optimizer.zero_grad()
        loss = sum(model(images, targets).values())
        loss.backward()
        optimizer.step()
        loss.item()

    return step


def detect(case):
    model = build(case["config"], 81).to(DEVICE).to(memory_format=torch.channels_last).eval()
    images = photos(1)

    def step():
        with torch.inference_mode():
            model(images)[0]["boxes"].cpu()

    return step


def classify(case):
    model = torchvision.models.resnet50().to(DEVICE).to(memory_format=torch.channels_last).train()
    images = torch.randn(case["batch"], 3, case["size"], case["size"], device=DEVICE).to(memory_format=torch.channels_last)
    labels = torch.arange(case["batch"], device=DEVICE) % 1000
    optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9, weight_decay=1e-4)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        loss.item()

    return step


def main(case):
    torch.manual_seed(0)
    work = {"train": train, "detect": detect, "classify": classify}[case["kind"]](case)
    times = timed(work, case["steps"])
    device = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "processor"
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    print(json.dumps({"device": device, **versions, "times": times}))


main(json.loads(sys.argv[1]))
