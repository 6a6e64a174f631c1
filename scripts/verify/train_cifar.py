"""Trains a CIFAR ResNet of the paper's section 4.2 with torch, by the recipe of `resdet classify train`.

Written from the paper and docs/differences.md, with draws of its own: first values, order, crops and mirroring come from torch's
generators. Alike are their distributions, the network (option A), the rate with its start at a tenth from 110 layers on, the decay
of filters and matrices alone, and how errors are counted: training images as they come, test images by moving averages.

Run from the repository root, with torch and torchvision:
    python scripts/verify/train_cifar.py --data cifar10 --depth 110 --out runs/torch-110 [--epochs 164] [--minutes 110] [--threads 1]
A line an epoch goes into OUT/results.csv, whose columns are named as in a run's, for `plot-runs.js` to draw both. A second call
goes on from OUT/state.pt, where the first was stopped: by its minutes, or by Ctrl-C at the last whole epoch.
"""

import argparse
import csv
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench_classify_peer import cifar_resnet

SIDE, FRAME = 32, 4
BATCH = 128
RATE, MOMENTUM, DECAY = 0.1, 0.9, 1e-4
DROPS = (1 / 2, 3 / 4)
DEEP = 110
# Share of images classified wrong, a running mean over some fifty steps, below which a deep network's rate is the full one.
START_ERROR, ERROR_MOMENTUM = 0.8, 0.02
COLUMNS = ("epoch", "loss", "train_error", "top1_error", "rate", "seconds")


def read(files):
    """Labels `[N]` and pictures `[N, 3, 32, 32]`, 0..1, of CIFAR-10's binary files."""
    rows = np.concatenate([np.fromfile(file, np.uint8).reshape(-1, 1 + 3 * SIDE * SIDE) for file in files])
    pictures = torch.from_numpy(rows[:, 1:].reshape(-1, 3, SIDE, SIDE).copy()).float() / 255
    return torch.from_numpy(rows[:, 0].astype(np.int64)), pictures


def begin(network):
    """First values: He et al. 2015 in the fan-out form; the last layer's have a deviation of 0.01."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
            nn.init.zeros_(module.bias)


def crops(pictures):
    """A random window of each picture in its frame of zeros, mirrored half of the time."""
    framed = F.pad(pictures, (FRAME,) * 4)
    count = len(pictures)
    top, left = (torch.randint(2 * FRAME + 1, (count, 1, 1, 1)) for _ in range(2))
    place = torch.arange(SIDE)
    columns = torch.where(torch.rand(count, 1, 1, 1) < 0.5, place.flip(0), place)
    of, channel = torch.arange(count).view(-1, 1, 1, 1), torch.arange(3).view(1, -1, 1, 1)
    return framed[of, channel, top + place.view(1, 1, -1, 1), left + columns]


def wrong(logits, labels):
    return (logits.argmax(1) != labels).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=164)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    if given.threads:
        torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    labels, pictures = read(sorted(given.data.glob("data_batch_*.bin")))
    test_labels, test_pictures = read([given.data / "test_batch.bin"])
    mean, std = (getattr(pictures, name)((0, 2, 3), keepdim=True) for name in ("mean", "std"))
    pictures, test_pictures = (pictures - mean) / std, (test_pictures - mean) / std

    network = cifar_resnet(given.depth)
    begin(network)
    network = network.to(memory_format=torch.channels_last)
    filters = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in network.parameters() if parameter.dim() == 1]
    groups = [{"params": filters, "weight_decay": DECAY}, {"params": others, "weight_decay": 0}]
    optimizer = torch.optim.SGD(groups, RATE, momentum=MOMENTUM)
    error, started, rows = 1.0, given.depth < DEEP, []

    state = given.out / "state.pt"
    given.out.mkdir(parents=True, exist_ok=True)
    if state.exists():
        saved = torch.load(state)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["draws"])
        error, started, rows = saved["error"], saved["started"], saved["rows"]

    steps = len(labels) // BATCH
    total = steps * given.epochs
    for epoch in range(len(rows), given.epochs):
        network.train()
        begun, losses, errors = time.monotonic(), [], []
        for at, chosen in enumerate(torch.randperm(len(labels))[: steps * BATCH].split(BATCH)):
            passed = sum(epoch * steps + at >= round(share * total) for share in DROPS)
            rate = RATE * 0.1**passed if started else RATE / 10
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            logits = network(crops(pictures[chosen]).contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits, labels[chosen])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            errors.append(wrong(logits, labels[chosen]))
            error += ERROR_MOMENTUM * (errors[-1] - error)
            started = started or error < START_ERROR
            if time.monotonic() > end:
                print(f"stopped in epoch {epoch + 1}: the next call begins it anew", file=sys.stderr)
                return
        seconds = time.monotonic() - begun
        network.eval()
        with torch.no_grad():
            logits = torch.cat([network(part) for part in test_pictures.split(BATCH)])
        row = (epoch + 1, np.mean(losses), np.mean(errors), wrong(logits, test_labels), rate, seconds)
        rows.append([float(value) for value in row])
        print("  ".join(f"{name} {value:g}" for name, value in zip(COLUMNS, row)), file=sys.stderr, flush=True)
        draws = {"draws": torch.get_rng_state(), "error": error, "started": started, "rows": rows}
        torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict(), **draws}, f"{state}.new")
        os.replace(f"{state}.new", state)
        with open(given.out / "results.csv", "w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
