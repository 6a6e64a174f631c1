"""torchvision's side of scripts/bench-detect.ts, which starts it: detects when told to, and says how long it took.

Arguments: the detector's file (safetensors, as `resdet train` writes it), its configuration as JSON, a raw photo, its
height, its width. Then a line on stdin names who shall detect, and a line of JSON on stdout answers.
"""

import io
import json
import struct
import sys
import time
import warnings

import numpy as np
import onnxruntime
import torch

try:
    import openvino
except ImportError:
    openvino = None
import torchvision
from torchvision.ops import FrozenBatchNorm2d

from bench_torchvision import build


def read_tensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        values = file.read()
    header.pop("__metadata__", None)
    return {
        name: torch.from_numpy(np.frombuffer(values[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"]).copy())
        for name, entry in header.items()
    }


def load(model, tensors):
    """Our norms are folded: a convolution's bias is what a norm that scales nothing adds."""
    state = model.state_dict()
    for name, module in model.named_modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = 0.0
            conv = name.replace("downsample.1", "downsample.0") if "downsample" in name else name.replace("bn", "conv")
            state[f"{name}.weight"] = torch.ones_like(state[f"{name}.weight"])
            state[f"{name}.bias"] = tensors.pop(f"{conv}.bias")
            state[f"{name}.running_mean"] = torch.zeros_like(state[f"{name}.running_mean"])
            state[f"{name}.running_var"] = torch.ones_like(state[f"{name}.running_var"])
    state.update(tensors)
    model.load_state_dict(state)


def main():
    # The exporter warns of much that is well known.
    warnings.simplefilter("ignore")
    weights, config, photo, height, width = sys.argv[1:]
    tensors = read_tensors(weights)
    model = build(json.loads(config), len(tensors["roi_heads.box_predictor.cls_score.bias"])).eval()
    load(model, tensors)
    pixels = np.fromfile(photo, np.uint8).reshape(int(height), int(width), 3)

    def as_tensor():
        return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255

    def eager():
        with torch.inference_mode():
            return model([as_tensor()])[0]

    proposals = []
    hook = model.rpn.register_forward_hook(lambda _, given, result: proposals.extend(result[0][0]))
    found = eager()
    hook.remove()
    exported = io.BytesIO()
    torch.onnx.export(model, ([as_tensor()],), exported, opset_version=17, input_names=["image"], dynamo=False)
    session = onnxruntime.InferenceSession(exported.getvalue())

    def onnx():
        boxes, labels, scores = session.run(None, {"image": (pixels.transpose(2, 0, 1) / np.float32(255)).astype(np.float32)})
        return {"boxes": boxes, "labels": labels, "scores": scores}

    def bf16():
        with torch.autocast("cpu", torch.bfloat16):
            return eager()

    contenders = {
        "eager": (torch.contiguous_format, eager),
        "channels_last": (torch.channels_last, eager),
        "bf16": (torch.channels_last, bf16),
        "onnx": (None, onnx),
    }
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "onnxruntime": onnxruntime.__version__}
    if openvino is not None:
        versions["openvino"] = openvino.__version__
        for name, precision in (("openvino", "f32"), ("openvino_bf16", "bf16")):
            contenders[name] = (None, in_openvino(exported.getvalue(), precision, pixels))
    lists = {name: values.flatten().tolist() for name, values in found.items()}
    answer({"versions": versions, "contenders": list(contenders), "threads": torch.get_num_threads(), "proposals": len(proposals), **lists})
    layout = torch.contiguous_format
    for line in sys.stdin:
        wanted, detect = contenders[line.strip()]
        if wanted not in (None, layout):
            model.to(memory_format=wanted)
            layout = wanted
        wall, cpu = time.perf_counter(), time.process_time()
        detect()
        answer({"wall": 1000 * (time.perf_counter() - wall), "cpu": 1000 * (time.process_time() - cpu)})


def in_openvino(exported, precision, pixels):
    core = openvino.Core()
    model = core.compile_model(core.read_model(exported), "CPU", {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"})
    image = (pixels.transpose(2, 0, 1) / np.float32(255)).astype(np.float32)
    return lambda: model([image])


def answer(value):
    print(json.dumps(value), flush=True)


main()
