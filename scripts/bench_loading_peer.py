"""Photos a second through torch's DataLoader, for `bench.ts`: one JSON document on stdout.
`bench_loading_peer.py FOLDER SIZE MAXSIZE ROUNDS`: every JPEG file of FOLDER decoded by Pillow, normalised, resized and
padded to batches of two by torchvision's own transform, in two worker processes."""

import json
import sys
import time
from pathlib import Path

import torch
import torchvision
from PIL import Image
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.transforms.functional import pil_to_tensor

MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Photos(torch.utils.data.Dataset):
    def __init__(self, files):
        self.files = files

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        with Image.open(self.files[i]) as photo:
            return pil_to_tensor(photo.convert("RGB")).float() / 255


def main(folder, size, max_size, rounds):
    torch.set_num_threads(1)
    transform = GeneralizedRCNNTransform(size, max_size, MEAN, DEVIATION)
    files = sorted(Path(folder).glob("*.jpg"))
    loader = torch.utils.data.DataLoader(
        Photos(files), batch_size=2, num_workers=2, collate_fn=lambda photos: transform(photos)[0].tensors, persistent_workers=True
    )
    rates = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        count = sum(len(batch) for batch in loader)
        rates.append(count / (time.perf_counter() - start))
    # The first round starts the workers.
    print(json.dumps({"version": torchvision.__version__, "photosPerSecond": rates[1:]}))


main(sys.argv[1], *map(int, sys.argv[2:5]))
