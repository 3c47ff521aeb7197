"""Image files of every kind that OpenCV reads, and every way to damage one."""

import io
import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

SIZE = (90, 60)
"""Width and height in px of all of them, before any EXIF orientation."""


def pixels() -> np.ndarray:
    """Some clouds and some noise, so that no file is short."""
    random = np.random.default_rng(0)
    clouds = cv2.resize(random.integers(0, 255, (8, 12, 3), dtype=np.uint8), SIZE)
    return cv2.add(clouds, random.integers(0, 20, clouds.shape, dtype=np.uint8))


def by_pillow(kind: str, mode: str = "RGB", orientation: int = 0, **options) -> bytes:
    if orientation:
        options["exif"] = Image.Exif()
        options["exif"][0x010F] = "a maker of cameras"
        options["exif"][0x0112] = orientation
    image = Image.fromarray(pixels()).convert(mode)
    if options.get("append_images"):
        options["append_images"] = [image.rotate(180)]
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def by_opencv(ending: str, depth: type = np.uint8, grey: bool = False, *options: int) -> bytes:
    image = pixels().astype(depth) * (257 if depth is np.uint16 else 1)
    image = image / 255 if depth is np.float32 else image
    return cv2.imencode(ending, image[..., 0] if grey else image, options)[1].tobytes()


def deep_png(kind: int, bits: int, extra: bytes = b"") -> bytes:
    """A PNG of colour type `kind` with `bits` a sample, some of which Pillow cannot write."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    row = b"\0" + bytes(range(256))[: (SIZE[0] * samples * bits + 7) // 8].ljust(
        (SIZE[0] * samples * bits + 7) // 8, b"\1"
    )
    header = struct.pack(">IIBBBBB", *SIZE, bits, kind, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if kind == 3 and bits == 8 else b""
    palette = chunk(b"PLTE", bytes(3 << bits)) if kind == 3 and bits < 8 else palette
    content = zlib.compress(row * SIZE[1])
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + extra
        + chunk(b"IDAT", content) + chunk(b"IEND", b"")
    )  # fmt: skip


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png_of(width: int, height: int) -> bytes:
    """A black PNG of one bit a pixel: some tens of KB for hundreds of millions of pixels."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = b"".join([packer.compress(row) for _ in range(height)]) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def kinds() -> dict[str, list[bytes]]:
    """Files by container; some hold what this OpenCV may not read, as GIF and AVIF."""
    combinations = [
        (0, 1),
        (0, 2),
        (0, 4),
        (0, 16),
        (2, 16),
        (3, 1),
        (3, 4),
        (3, 8),
        (4, 8),
        (4, 16),
    ]
    combinations += [(6, 8), (6, 16)]
    return {
        "JPEG": [
            by_pillow("JPEG"), by_pillow("JPEG", progressive=True), by_pillow("JPEG", "L"),
            by_pillow("JPEG", "CMYK"), by_pillow("JPEG", subsampling=0, optimize=True),
            by_pillow("JPEG", orientation=6), by_pillow("JPEG", orientation=3, progressive=True),
            by_pillow("JPEG", restart_marker_blocks=3),
            by_pillow("JPEG", restart_marker_rows=1, progressive=True),
        ],
        "PNG": [
            by_pillow("PNG"), by_pillow("PNG", "P"), by_pillow("PNG", "RGBA", orientation=8),
            by_pillow("PNG", "P", transparency=3), by_pillow("PNG", "I;16"),
            by_pillow("PNG", save_all=True, append_images=True),
            *(deep_png(*combination) for combination in combinations),
        ],
        "BMP": [by_pillow("BMP"), by_pillow("BMP", "L"), by_pillow("BMP", "P"),
                by_pillow("BMP", "1"), by_pillow("BMP", "RGBA")],
        "WebP": [
            by_pillow("WEBP"), by_pillow("WEBP", lossless=True), by_pillow("WEBP", "RGBA"),
            by_pillow("WEBP", orientation=6), by_pillow("WEBP", save_all=True, append_images=True),
        ],
        "TIFF": [
            by_pillow("TIFF"), by_pillow("TIFF", compression="tiff_lzw"), by_pillow("TIFF", "L"),
            by_pillow("TIFF", compression="tiff_adobe_deflate"), by_pillow("TIFF", "1"),
            by_pillow("TIFF", save_all=True, append_images=True),
            by_pillow("TIFF", compression="packbits"), by_opencv(".tiff", np.uint16),
            by_opencv(".tiff", np.float32),
        ],
        "JPEG 2000": [by_pillow("JPEG2000"), by_pillow("JPEG2000", "L", irreversible=True),
                      by_pillow("JPEG2000", no_jp2=True)],
        "PNM": [by_pillow("PPM"), by_opencv(".pgm", grey=True), by_opencv(".ppm", np.uint16),
                by_opencv(".pfm", np.float32), by_opencv(".pam")],
        "HDR": [by_opencv(".hdr", np.float32)],
        "Sun raster": [by_opencv(".ras")],
        "GIF": [by_pillow("GIF"), by_pillow("GIF", save_all=True, append_images=True)],
        "AVIF": [by_pillow("AVIF")],
    }  # fmt: skip


def damaged(whole: bytes, others: list[bytes], seed: int, count: int) -> Iterator[bytes]:
    """`whole` damaged in `count` ways, after it as it is: cut off, bytes changed at the start and
    anywhere, a block of zeros, sizes, parts of itself or of others in the wrong place, an end mark
    too early, garbage behind it.
    """
    random = np.random.default_rng(seed)
    yield whole
    for turn in range(count):
        data = bytearray(whole)
        places = random.integers(2, len(data), 6)
        match turn % 8:
            case 0:
                del data[int(random.integers(0, len(data))) :]
            case 1:
                for place in random.integers(2, min(len(data), 640), 2):
                    data[place] = random.integers(256)
            case 2:
                for place in places[: random.integers(1, 6)]:
                    data[place] = random.integers(256)
            case 3:
                data[places[0] : places[0] + 400] = bytes(len(data[places[0] : places[0] + 400]))
            case 4:
                place = int(random.integers(2, min(len(data) - 4, 200)))
                data[place : place + 4] = random.choice(
                    [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\1\0"]
                )
            case 5:
                size = int(random.integers(1, 60))
                data[places[0] : places[0] + size] = data[places[1] : places[1] + size]
            case 6:
                other = others[int(random.integers(len(others)))]
                del data[int(random.integers(2, len(data))) :]
                data += other[int(random.integers(0, 300)) :]
            case _:
                for place in places[:3]:
                    data[place : place + 2] = bytes([0xFF, random.integers(256)])
        if turn % 3 == 0:
            data += random.choice([b"\xff\xd9", whole[-12:], b"garbage", whole])
        yield bytes(data)
