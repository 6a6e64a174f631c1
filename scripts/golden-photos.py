"""Writes test/golden/photos.json: small image files of many kinds, and the RGB that Pillow makes of them as torchvision's
and Ultralytics' loaders ask for it: `exif_transpose(Image.open(f)).convert("RGB")`.

Run with any Pillow: python3 scripts/golden-photos.py
"""
import base64
import io
import json
import pathlib
import struct

import PIL
from PIL import Image, ImageCms, ImageOps

WIDTH, HEIGHT = 12, 10


def picture():
    """Smooth in both directions, so that a JPEG of it is close to it, and different in every corner."""
    values = [(20 * x, 25 * y, 255 - 8 * (x + y)) for y in range(HEIGHT) for x in range(WIDTH)]
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.putdata(values)
    return image


def exif(orientation, kind=3, endian=">"):
    """A TIFF block with an orientation tag of a type: 3 SHORT, 4 LONG."""
    value = struct.pack(endian + ("HH" if kind == 3 else "I"), *([orientation, 0] if kind == 3 else [orientation]))
    mark = b"MM" if endian == ">" else b"II"
    return mark + struct.pack(endian + "HIHHHI", 42, 8, 1, 0x0112, kind, 1) + value + b"\0\0\0\0"


def with_segments(jpeg, *blocks):
    """A JPEG with several Exif segments."""
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block for block in blocks)
    return jpeg[:2] + segments + jpeg[2:]


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def deep_png():
    """16 bits a channel, which Pillow cannot write."""
    import zlib

    rows = b""
    for y in range(HEIGHT):
        row = b"".join(struct.pack(">HHH", 5000 * x + 200, 6000 * y + 77, 65535 - 2000 * (x + y)) for x in range(WIDTH))
        rows += b"\0" + row

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def swapped_profile():
    """sRGB's profile with its red and blue primaries swapped: whoever applies it swaps these colours."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = {bytes(profile[i : i + 4]): i for i in range(132, 132 + 12 * struct.unpack_from(">I", profile, 128)[0], 12)}
    red, blue = (bytes(profile[at[name] + 4 : at[name] + 12]) for name in (b"rXYZ", b"bXYZ"))
    profile[at[b"rXYZ"] + 4 : at[b"rXYZ"] + 12] = blue
    profile[at[b"bXYZ"] + 4 : at[b"bXYZ"] + 12] = red
    return bytes(profile)


def bitmap(bits, pixels, top_down=False):
    """Kinds of bitmaps that Pillow reads but does not write; rows of whole words."""
    rows = struct.pack(f"<{len(pixels)}{'H' if bits == 16 else 'I'}", *pixels)
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, -HEIGHT if top_down else HEIGHT, 1, bits, 0, len(rows), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(rows), 0, 0, 14 + len(head)) + head + rows


def files():
    rgb = picture()
    jpeg = {"quality": 100, "subsampling": 0}
    profile = swapped_profile()
    clear = rgb.copy()
    clear.putalpha(Image.linear_gradient("L").resize((WIDTH, HEIGHT)))
    yield "jpeg", saved(rgb, "JPEG", **jpeg)
    yield "jpeg with a profile", saved(rgb, "JPEG", icc_profile=profile, **jpeg)
    yield "png with a profile", saved(rgb, "PNG", icc_profile=profile)
    yield "cmyk jpeg", saved(rgb.convert("CMYK"), "JPEG", **jpeg)
    yield "cmyk tiff", saved(rgb.convert("CMYK"), "TIFF")
    yield "grey jpeg", saved(rgb.convert("L"), "JPEG", quality=100)
    yield "grey png", saved(rgb.convert("L"), "PNG")
    yield "palette png", saved(rgb.quantize(16), "PNG")
    yield "palette png with a clear colour", saved(rgb.quantize(16), "PNG", transparency=3)
    yield "rgba png", saved(clear, "PNG")
    yield "1 bit png", saved(rgb.convert("1"), "PNG")
    yield "16 bit png", deep_png()
    yield "gif", saved(rgb.quantize(16), "GIF")
    yield "tiff", saved(rgb, "TIFF")
    yield "lossless webp", saved(rgb, "WEBP", lossless=True)
    for mode in ["1", "L", "P", "RGB"]:
        yield f"bmp {mode}", saved(rgb.quantize(16) if mode == "P" else rgb.convert(mode), "BMP")
    yield "bmp RGBA", saved(clear, "BMP")
    yield "bmp 555", bitmap(16, [5000 * i % 32768 for i in range(WIDTH * HEIGHT)])
    yield "bmp from the top", bitmap(32, [98765 * i % (1 << 24) for i in range(WIDTH * HEIGHT)], top_down=True)
    for orientation in [3, 6]:
        yield f"png, orientation {orientation}", saved(rgb, "PNG", exif=b"Exif\0\0" + exif(orientation))
        yield f"webp, orientation {orientation}", saved(rgb, "WEBP", lossless=True, exif=b"Exif\0\0" + exif(orientation))
        tags = Image.Exif()
        tags[0x0112] = orientation
        yield f"tiff, orientation {orientation}", saved(rgb, "TIFF", exif=tags)
    plain = saved(rgb, "JPEG", **jpeg)
    for endian in "<>":
        yield f"jpeg, LONG orientation {endian}", with_segments(plain, exif(6, 4, endian))
    yield "jpeg, two Exif segments", with_segments(plain, exif(6), exif(3))
    yield "jpeg, mpo", saved(rgb, "MPO", save_all=True, append_images=[rgb.rotate(180)], **jpeg)


def main():
    cases = []
    for name, content in files():
        with Image.open(io.BytesIO(content)) as image:
            image = ImageOps.exif_transpose(image).convert("RGB")
            cases.append(
                {
                    "name": name,
                    "file": base64.b64encode(content).decode(),
                    "width": image.width,
                    "height": image.height,
                    "rgb": base64.b64encode(image.tobytes()).decode(),
                }
            )
    path = pathlib.Path("test/golden/photos.json")
    path.write_text(json.dumps({"versions": {"pillow": PIL.__version__}, "cases": cases}, indent=1) + "\n")


main()
