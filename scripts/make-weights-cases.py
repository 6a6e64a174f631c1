"""Makes the checkpoints of `test/weights` kinds that are too large to keep: other architectures, other tools' names, whole
detectors. All weights are random, from seed 0. `python make-weights-cases.py FOLDER [NAME...]`, some 6 GB in all.
Made with torch 2.15.0, torchvision 0.29.2, timm 1.0.31, transformers 5.24.0, safetensors 0.8.0."""

import sys
from pathlib import Path

import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torchvision.models import detection
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RPNHead
from transformers import ResNetConfig, ResNetForImageClassification

vision = torchvision.models
no_weights = {"weights": None, "weights_backbone": None}


def timm_state(name: str):
    return timm.create_model(name, pretrained=False).state_dict()


def fasterrcnn(version: int = 1, classes: int = 91, **options):
    build = detection.fasterrcnn_resnet50_fpn if version == 1 else detection.fasterrcnn_resnet50_fpn_v2
    return build(**no_weights, num_classes=classes, **options).state_dict()


def hugging_face():
    """The ResNet-18 of microsoft/resnet-18."""
    config = ResNetConfig(hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic", num_labels=1000)
    return ResNetForImageClassification(config).state_dict()


def custom_anchors(sizes, ratios):
    anchors = AnchorGenerator(sizes, (ratios,) * len(sizes))
    head = RPNHead(256, anchors.num_anchors_per_location()[0])
    return fasterrcnn(rpn_anchor_generator=anchors, rpn_head=head)


def changed(change, state=None):
    state = state or vision.resnet18().state_dict()
    change(state)
    return state


def renamed(state, old: str, new: str):
    return {name.replace(old, new): tensor for name, tensor in state.items()}


def set_value(name: str, value: float):
    return lambda state: state[name].view(-1)[:1].fill_(value)


def without_fc(state):
    for name in ("fc.weight", "fc.bias"):
        del state[name]


def to(dtype):
    return lambda state: {n: t.to(dtype) if t.is_floating_point() else t for n, t in state.items()}


timm_names = [
    "resnet26", "resnet50d", "resnet50_gn", "resnetaa50", "resnetblur50", "resnetv2_50", "resnext50_32x4d", "seresnet50",
    "skresnet18", "ecaresnet50d", "gcresnet50t", "wide_resnet50_2",
]  # fmt: skip

# The file's name decides how it is written.
cases = {
    "B30-torchvision-resnet18/w.pth": lambda: vision.resnet18().state_dict(),
    "B31-timm-resnet18-safetensors/w.safetensors": lambda: timm_state("resnet18"),
    "B31b-timm-resnet50/w.pth": lambda: timm_state("resnet50"),
    "B31c-timm-resnet50-as-resnet101/w.pth": lambda: timm_state("resnet50"),
    **{f"B32-timm-{name}/w.pth": lambda name=name: timm_state(name) for name in timm_names},
    "B33-hf-resnet18/model.safetensors": hugging_face,
    "B33b-hf-timm-wrapper/model.safetensors": lambda: {f"timm_model.{n}": t for n, t in timm_state("resnet18").items()},
    "B37-no-fc/w.pth": lambda: changed(without_fc),
    "B37b-fc-2048-1000-vs-classes/w.pth": lambda: vision.resnet50(num_classes=10).state_dict(),
    "B38-fc-named-classifier/w.pth": lambda: renamed(vision.resnet18().state_dict(), "fc.", "classifier."),
    "B38b-resnet-in-model-key-of-sequential/w.pth": lambda: {
        "model": nn.Sequential(vision.resnet18(), nn.ReLU()).state_dict(),
        "epoch": 3,
    },
    "B39-nan-weight/w.pth": lambda: changed(set_value("layer1.0.conv1.weight", float("nan"))),
    "B39b-negative-variance/w.pth": lambda: changed(set_value("bn1.running_var", -1.0)),
    "B40-safetensors-half/w.safetensors": lambda: to(torch.float16)(vision.resnet18().state_dict()),
    "B40b-safetensors-extra-bool/w.safetensors": lambda: changed(lambda s: s.update(mask=torch.tensor([True, False]))),
    "B40c-safetensors-fp8/w.safetensors": lambda: to(torch.float8_e4m3fn)(vision.resnet18().state_dict()),
    "B80-train-weights/w.pth": lambda: fasterrcnn(),
    "B90-resnet101-as-resnet50/w.pth": lambda: vision.resnet101().state_dict(),
    "B92-maskrcnn/w.pth": lambda: detection.maskrcnn_resnet50_fpn(**no_weights).state_dict(),
    "B93-retinanet/w.pth": lambda: detection.retinanet_resnet50_fpn(**no_weights).state_dict(),
    "B94-mobilenet/w.pth": lambda: detection.fasterrcnn_mobilenet_v3_large_fpn(**no_weights).state_dict(),
    "B95-4-classes/w.pth": lambda: fasterrcnn(classes=5),
    "B95c-v1-as-v2/w.pth": lambda: fasterrcnn(),
    "B96-v2-as-v1/w.pth": lambda: fasterrcnn(2),
    "B96b-v2/w.pth": lambda: fasterrcnn(2),
    "B97-custom-anchors-4-ratios/w.pth": lambda: custom_anchors(
        ((32,), (64,), (128,), (256,), (512,)), (0.25, 0.5, 1.0, 2.0)
    ),
    "B97b-custom-anchor-sizes/w.pth": lambda: custom_anchors(((16,), (32,), (64,), (128,), (256,)), (0.5, 1.0, 2.0)),
    "B98-classifier-as-detector/w.pth": lambda: vision.resnet50().state_dict(),
    "B98b-detector-as-classifier/w.pth": lambda: fasterrcnn(),
    "B99-unknown-model/w.pth": lambda: vision.resnet18().state_dict(),
}


def write(path: Path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file({name: tensor.contiguous() for name, tensor in content.items()}, path)
    else:
        torch.save(content, path)


def main() -> None:
    folder, *names = sys.argv[1:]
    for case, make in cases.items():
        if names and not any(case.startswith(name) for name in names):
            continue
        torch.manual_seed(0)
        write(Path(folder, case), make())
        print(case)


if __name__ == "__main__":
    main()
