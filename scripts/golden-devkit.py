"""The synsets of an ImageNet development kit as scipy writes them, for test/datasets/ilsvrc.test.ts: the array of structures
of `meta.mat`, compressed and not.

    python3 -m venv /tmp/golden-devkit && /tmp/golden-devkit/bin/pip install scipy==1.17.1
    /tmp/golden-devkit/bin/python scripts/golden-devkit.py test/golden/devkit.json
"""

import base64
import io
import json
import sys

import numpy
import scipy
import scipy.io

fields = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height", "num_train_images"]
# The kit's order is not that of the names; the last one stands above the others.
synsets = [
    (1, "n02119789", "kit fox, Vulpes macrotis", "small grey fox", 0, [], 0, 1300),
    (2, "n02100735", "English setter", "an English breed", 0, [], 0, 1300),
    (3, "n01440764", "tench, Tinca tinca", "freshwater dace-like game fish", 0, [], 0, 1300),
    (1001, "n00001740", "entity", "that which is", 3, [1, 2, 3], 19, 0),
]


def meta(compressed):
    array = numpy.zeros((len(synsets), 1), dtype=[(name, object) for name in fields])
    for row, synset in enumerate(synsets):
        for name, value in zip(fields, synset):
            array[name][row, 0] = value if isinstance(value, str) else numpy.array([value] if not isinstance(value, list) else value, dtype=float)
    kept = io.BytesIO()
    scipy.io.savemat(kept, {"synsets": array}, do_compression=compressed)
    return base64.b64encode(kept.getvalue()).decode()


made = {"by": "scripts/golden-devkit.py", "scipy": scipy.__version__, "numpy": numpy.__version__}
with open(sys.argv[1], "w") as file:
    json.dump({"made": made, "synsets": [list(one) for one in synsets], "plain": meta(False), "compressed": meta(True)}, file)
    file.write("\n")
