"""Trains torchvision's Faster R-CNN as `resdet train` trained ours, and scores both with the same evaluator.

Each RUN is the folder of a finished run of `resdet train` (C4 or FPN, frozen norm, SGD). `training-plan.js` repeats what it began
with and in which order; torchvision starts from the same numbers and takes the same images, mirrored and sized alike, in the same
batches at the same learning rates. Only the draws of anchors and regions differ. Equal, and told at the start: what is frozen, the
rate of biases, which weights decay, momentum, warm-up, gradient clipping, counts of proposals and regions. Frozen batch norms are
folded into the convolutions before them in both, or in neither, as the run's `--norm` was.

Run from the repository root after `npm run build`, with torch, torchvision and safetensors:
    python scripts/verify/train_torchvision.py RUN [RUN ...] [--out FOLDER] [--steps N] [--layout channels_last] [--threads N]
    python scripts/verify/train_torchvision.py RUN [RUN ...] --gradients
A table on stdout: mAP of the last weights of both on the run's validation split, and the time of a step: the median over means of
20. What is there already under FOLDER is not trained again. `--gradients` trains nothing: it compares the first step's losses and the
gradients of all parameters, with all anchors and all regions in the samples, so that no draw is left; exit status 1 where they differ.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from torchvision.ops import FrozenBatchNorm2d

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench_torchvision import build
from peer import described

REPORT_EVERY = 20


def detector(about, start):
    """torchvision's, with the settings and the first weights of the run."""
    model = build(about["model"], len(about["classes"]) + 1)
    options = about["model"]["options"]
    rpn, roi = options["rpn"], options["roi"]
    fractions = (rpn["sample"], model.rpn.fg_bg_sampler), (roi["sample"], model.roi_heads.fg_bg_sampler)
    for sample, sampler in fractions:
        sampler.batch_size_per_image = sample["batchSizePerImage"]
        sampler.positive_fraction = sample["positiveFraction"]
    for match, matcher in ((rpn["match"], model.rpn.proposal_matcher), (roi["match"], model.roi_heads.proposal_matcher)):
        matcher.high_threshold, matcher.low_threshold = match["positive"], match["negative"]
    model.rpn._pre_nms_top_n = {"training": options["proposals"]["train"]["preNmsTopN"], "testing": 0}
    model.rpn._post_nms_top_n = {"training": options["proposals"]["train"]["postNmsTopN"], "testing": 0}
    model.rpn.nms_thresh = options["proposals"]["train"]["nmsThreshold"]
    model.rpn.min_size = options["proposals"]["train"]["minSide"]
    # Images and boxes come in their input's size.
    model.transform.resize = lambda image, target: (image, target)
    take_weights(model, start)
    learning = {one["name"]: one for one in about["parameters"]}
    named = dict(model.named_parameters())
    if missing := [name for name in learning if name not in named]:
        raise SystemExit(f"torchvision's detector has no {', '.join(missing)}")
    for name, parameter in named.items():
        parameter.requires_grad_(name in learning)
    groups = [
        {"params": [named[name]], "share": one["rate"], "weight_decay": about["weightDecay"] if one["decays"] else 0.0}
        for name, one in learning.items()
    ]
    return model, torch.optim.SGD(groups, lr=0.0, momentum=about["momentum"])


def take_weights(model, start):
    """Loads the run's weights: a norm that was folded adds the bias of its convolution, and nothing else."""
    state = model.state_dict()
    used = set()
    for name, module in model.named_modules():
        if not isinstance(module, FrozenBatchNorm2d):
            continue
        if f"{name}.running_var" in start:
            module.eps = 1e-5
            continue
        owner, norm = name.rsplit(".", 1)
        bias = f"{owner}.{norm.replace('bn', 'conv') if norm.startswith('bn') else '0'}.bias"
        module.eps = 0.0
        used.add(bias)
        fills = {"weight": torch.ones_like(module.weight), "bias": start[bias]}
        fills.update({"running_mean": torch.zeros_like(module.bias), "running_var": torch.ones_like(module.bias)})
        state.update({f"{name}.{field}": value for field, value in fills.items()})
    for name, value in start.items():
        if name not in used:
            if name not in state or state[name].shape != value.shape:
                raise SystemExit(f"torchvision's detector has no {name} of {list(value.shape)}")
            state[name] = value
    model.load_state_dict(state)


def loaded(step):
    """A step's images as torchvision's transform resizes them, before it normalises, and their targets."""
    images, targets = [], []
    for one in step["images"]:
        pixels = np.asarray(ImageOps.exif_transpose(Image.open(one["file"])).convert("RGB")).copy()
        image = torch.from_numpy(pixels).permute(2, 0, 1).float()[None] / 255
        if one["flipped"]:
            image = image.flip(3)
        images.append(F.interpolate(image, size=(one["height"], one["width"]), mode="bilinear", align_corners=False)[0])
        boxes = torch.tensor(one["boxes"], dtype=torch.float32).reshape(-1, 4)
        targets.append({"boxes": boxes, "labels": torch.tensor(one["labels"], dtype=torch.int64)})
    return step, images, targets


def ahead(steps):
    """Steps with their images, one made ready while another is trained."""
    with ThreadPoolExecutor(1) as pool:
        waiting = None
        for step in steps:
            coming = pool.submit(loaded, step)
            if waiting is not None:
                yield waiting.result()
            waiting = coming
        if waiting is not None:
            yield waiting.result()


def train(about, steps, start, layout, log):
    """Trains through all steps; the time of each in milliseconds, without reading and resizing its images."""
    torch.manual_seed(about["seed"])
    model, optimizer = detector(about, start)
    if layout == "channels_last":
        model = model.to(memory_format=torch.channels_last)
    model.train()
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    times, sums = [], {}
    for step, images, targets in ahead(steps):
        begun = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = step["rate"] * group["share"]
        losses = model(images, targets)
        total = sum(losses.values())
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(learning, about["clipNorm"])
        optimizer.step()
        if not torch.isfinite(total):
            raise SystemExit(f"the loss is {total.item()} at step {step['step']}")
        times.append(1000 * (time.perf_counter() - begun))
        for name, value in {"loss": total, **losses}.items():
            sums[name] = sums.get(name, 0.0) + value.item()
        if step["step"] % REPORT_EVERY == 0:
            means = {name: value / REPORT_EVERY for name, value in sums.items()}
            row = {"step": step["step"], "epoch": step["epoch"], "rate": step["rate"], "stepMs": statistics.mean(times[-REPORT_EVERY:])}
            log.write(json.dumps({**row, **means}) + "\n")
            log.flush()
            print(f"step {step['step']} of {len(steps)}: loss {means['loss']:.3f}, {row['stepMs']:.0f} ms", file=sys.stderr)
            sums = {}
    return model, times


def median_of_means(times):
    """As the run's log has the times of its steps: means over so many."""
    parts = range(0, max(1, len(times) - REPORT_EVERY + 1), REPORT_EVERY)
    return statistics.median(statistics.mean(times[at : at + REPORT_EVERY]) for at in parts)


def weights_of(model, start):
    """The trained weights by the names of the run's file; what torchvision's has not was frozen."""
    state = model.state_dict()
    return {name: state.get(name, value).contiguous() for name, value in start.items()}


def evaluated(weights, about):
    """COCO's AP and VOC's mAP at 0.5 of a weights file, by `resdet eval`."""
    target = weights.with_name(f"{weights.stem}-eval.json")
    words = ["eval", "--weights", weights, "--data", about["data"], "--split", about["valSplit"], "--no-details", "--json", target]
    if about.get("images"):
        words += ["--images", about["images"]]
    subprocess.run(["node", "bin/resdet.js", *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report = json.loads(target.read_text())
    return {"voc12": report["voc12"]["mAP"], "AP": report["coco"]["AP"]}


def copied(run, out):
    """The last weights of ours, beside which the figures can be written."""
    target = out / "ours.safetensors"
    target.write_bytes((run / "weights" / "last.safetensors").read_bytes())
    return target


def lines_of(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def planned(run, out):
    """What the run trained on: OUT/start.safetensors and OUT/plan.jsonl."""
    out.mkdir(parents=True, exist_ok=True)
    plan = out / "plan.jsonl"
    if not plan.exists():
        subprocess.run(["node", "dist/scripts/verify/training-plan.js", run, out], check=True)
    return lines_of(plan)


def compare(run, out, given):
    about, *steps = planned(run, out)
    steps = steps[: given.steps]
    start = load_file(out / "start.safetensors")
    result = out / f"torchvision-{len(steps)}.json"
    weights = out / f"torchvision-{len(steps)}.safetensors"
    if not result.exists():
        with (out / "torchvision.jsonl").open("w") as log:
            model, times = train(about, steps, start, given.layout, log)
        header, _ = described(out / "start.safetensors")
        save_file(weights_of(model, start), weights, header["__metadata__"])
        result.write_text(json.dumps({"stepMs": median_of_means(times), "torch": torch.__version__}))
    theirs = json.loads(result.read_text())
    ours = {"stepMs": statistics.median(row["stepMs"] - row["dataMs"] for row in lines_of(run / "metrics.jsonl"))}
    if not given.no_eval:
        theirs.update(evaluated(weights, about))
        ours.update(evaluated(copied(run, out), about))
    return about, len(steps), ours, theirs


def compare_gradients(run, out):
    """The first step's losses and gradients of both, all anchors and regions in the samples."""
    about, step, *_ = planned(run, out)
    subprocess.run(["node", "dist/scripts/verify/step-gradients.js", run, out], check=True)
    ours = load_file(out / "gradients.safetensors")
    header, _ = described(out / "gradients.safetensors")
    facts = header["__metadata__"]
    model, _ = detector(about, load_file(out / "start.safetensors"))
    model.train()
    for part, count in ((model.rpn, facts["anchors"]), (model.roi_heads, facts["regions"])):
        part.fg_bg_sampler.batch_size_per_image = int(count)
        part.fg_bg_sampler.positive_fraction = 1.0
    _, images, targets = loaded(step)
    losses = model(images, targets)
    sum(losses.values()).backward()
    theirs = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    if set(ours) != set(theirs):
        raise SystemExit(f"not the same parameters learn: {sorted(set(ours) ^ set(theirs))}")
    named = json.loads(facts["losses"])
    apart = lambda a, b: ((a - b).norm() / b.norm()).item()
    return (
        {name: abs(named[name] - value.item()) / value.item() for name, value in losses.items()},
        {name: apart(ours[name], theirs[name]) for name in theirs},
    )


def tell_gradients(run, losses, gradients):
    """A row; false where the two are further apart than ReLUs explain that fall on the other side of zero by rounding."""
    ordered = sorted(gradients.values())
    worst = max(gradients, key=gradients.get)
    cells = [f"{max(losses.values()):.1e}", str(len(ordered)), f"{ordered[len(ordered) // 2]:.1e}", f"{gradients[worst]:.1e}", worst]
    print(f"| {' | '.join([run.name, *cells])} |", flush=True)
    return max(losses.values()) < 1e-3 and gradients[worst] < 0.05


def tell_alike(about):
    shares = {one["rate"] for one in about["parameters"]}
    decaying = sum(one["decays"] for one in about["parameters"])
    model, schedule = about["model"], about["schedule"]
    print(
        f"{model['model']} {model['size']} px, stride in the {model['strideIn']}, {model['frozen']} parts and all batch norms frozen"
        f" (conv5: {model['conv5Norm']} norm); rate {schedule['base']} {schedule['shape']}, warm-up {schedule['warmup']} steps; shares of"
        f" the rate {sorted(shares)}; SGD, momentum {about['momentum']}, weight decay {about['weightDecay']} on {decaying} of"
        f" {len(about['parameters'])} (filters and matrices, no biases); gradients clipped to {about['clipNorm']}; images mirrored as"
        " the run did",
        file=sys.stderr,
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, help="default: RUN/beside-torchvision")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="channels_last")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--no-eval", action="store_true")
    parser.add_argument("--gradients", action="store_true", help="compare the first step's losses and gradients instead of training")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    place = lambda run: run / "beside-torchvision" if given.out is None else given.out / run.name
    if given.gradients:
        print("| run | losses differ by | gradients | in the middle they differ by | the largest by | which |\n|---|---|---|---|---|---|")
        agree = [tell_gradients(run, *compare_gradients(run, place(run))) for run in given.runs]
        return 0 if all(agree) else 1
    print("| run | seed | steps | ours mAP@0.5 | torchvision | ours AP | torchvision | ours ms a step | torchvision |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    percent = lambda value: "-" if value is None else f"{100 * value:.1f}"
    for run in given.runs:
        about, steps, ours, theirs = compare(run, place(run), given)
        tell_alike(about)
        figures = [percent(side.get(name)) for name in ("voc12", "AP") for side in (ours, theirs)]
        times = [f"{side['stepMs']:.0f}" for side in (ours, theirs)]
        print(f"| {' | '.join([run.name, str(about['seed']), str(steps), *figures, *times])} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
