"""Photos for the checks: smooth noise of many sizes, or real ones of several folders, every second one cut to an odd size."""

import random
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
from PIL import Image

usual = [(334, 500), (500, 334), (375, 500), (480, 640), (427, 640), (333, 333), (612, 97), (1080, 1920)]
SHORTEST_CROP = 97


def made_up(count: int):
    """Smooth noise of many sizes."""
    random.seed(0)
    generator = np.random.default_rng(0)
    sizes = usual + [(random.randint(80, 900), random.randint(80, 900)) for _ in range(max(0, count - len(usual)))]
    for height, width in sizes[:count]:
        coarse = generator.integers(0, 256, (height // 24 + 2, width // 24 + 2, 3), np.uint8)
        yield Image.fromarray(coarse).resize((width, height), Image.BICUBIC)


def of_folders(folders: list[Path], count: int):
    """The first photos of each folder by turns; every second one of a folder is a seeded part of itself with odd sides."""
    lists = [sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png")) for folder in folders]
    by_turns = [path for path in chain.from_iterable(zip_longest(*lists)) if path is not None][:count]
    choose = random.Random(0)
    for place, path in enumerate(by_turns):
        image = Image.open(path).convert("RGB")
        yield cropped(image, choose) if (place // len(folders)) % 2 else image


def cropped(image: Image.Image, choose: random.Random) -> Image.Image:
    sides = [choose.randint(min(SHORTEST_CROP, side), side) for side in image.size]
    width, height = [side - 1 + side % 2 for side in sides]
    left, top = choose.randint(0, image.width - width), choose.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def photos(folders: list[Path] | None, count: int) -> list[Image.Image]:
    return list(of_folders(folders, count) if folders else made_up(count))
