"""Writes test/golden/gpu-kernels.json: which TensorFlow operations have kernels for GPUs, and for which types.

Run: pip download --no-deps tensorflow==2.21.0, then python3 scripts/golden-gpu-kernels.py tensorflow-2.21.0-*.whl
The official wheel for CUDA names its kernels without a GPU, too: its library is asked by `TF_GetAllRegisteredKernels`.
"""

import ctypes
import json
import os
import pathlib
import sys
import tempfile
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

LIBRARIES = ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2")
# The types that we compute with, by TensorFlow's numbers (tensorflow/core/framework/types.proto).
TYPES = {1: "float32", 3: "int32", 10: "bool", 14: "bfloat16"}


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("free", ctypes.c_void_p)]


def all_kernels(wheel):
    """The bytes of a KernelList."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as files:
            for name in LIBRARIES:
                files.extract(f"tensorflow/{name}", folder)
        loaded = [ctypes.CDLL(f"{folder}/tensorflow/{name}", mode=ctypes.RTLD_GLOBAL) for name in LIBRARIES]
        library = next(one for one in reversed(loaded) if hasattr(one, "TF_GetAllRegisteredKernels"))
        library.TF_NewStatus.restype = ctypes.c_void_p
        library.TF_GetAllRegisteredKernels.restype = ctypes.POINTER(Buffer)
        library.TF_GetAllRegisteredKernels.argtypes = [ctypes.c_void_p]
        found = library.TF_GetAllRegisteredKernels(library.TF_NewStatus()).contents
        return ctypes.string_at(found.data, found.length)


def fields(message):
    """Number and value of each field of a protocol buffer, in order: an int, or bytes."""
    at = 0

    def varint():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        elif tag & 7 == 2:
            length = varint()
            yield tag >> 3, message[at : at + length]
            at += length
        else:
            raise ValueError(f"expected a number or bytes, got wire type {tag & 7}")


def values_of(message, number):
    return [value for found, value in fields(message) if found == number]


def types_of(constraint):
    """A constraint's attribute, and those of our types that it allows. KernelDef.AttrConstraint, AttrValue.list.type."""
    (name,) = values_of(constraint, 1)
    numbers = []
    for allowed in values_of(constraint, 2):
        for listed in values_of(allowed, 1):
            for value in values_of(listed, 6):
                numbers += [value] if isinstance(value, int) else list(value)
    return name.decode(), sorted(TYPES[number] for number in numbers if number in TYPES)


def kernel(message):
    """Operation, device, and the kernel: types by attribute, and the arguments that it takes from the host's memory."""
    types = dict(types_of(constraint) for constraint in values_of(message, 3))
    host = sorted(name.decode() for name in values_of(message, 4))
    own = {"types": types, **({"host": host} if host else {})}
    label = b"".join(values_of(message, 5))
    return values_of(message, 1)[0].decode(), values_of(message, 2)[0].decode(), label, own


def main(wheel):
    messages = values_of(all_kernels(wheel), 1)
    operations = {}
    for message in messages:
        name, device, label, own = kernel(message)
        # DEFAULT stands for every device; a kernel with a label is only found by those who name it.
        if device not in ("GPU", "DEFAULT") or label or not all(own["types"].values()):
            continue
        kernels = operations.setdefault(name, [])
        if own not in kernels:
            kernels.append(own)
    document = {
        "made": {"wheel": pathlib.Path(wheel).name, "kernels": len(messages)},
        "operations": dict(sorted(operations.items())),
    }
    target = pathlib.Path(__file__).parent.parent / "test" / "golden" / "gpu-kernels.json"
    lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(own, separators=(',', ':'))}" for name, own in document["operations"].items())
    target.write_text(f'{{"made":{json.dumps(document["made"])},"operations":{{\n{lines}\n}}}}\n')
    print(f"{len(messages)} kernels, {len(operations)} operations with one for GPUs: {target.stat().st_size} bytes")


main(sys.argv[1])
