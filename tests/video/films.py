"""Small films, each frame with its number painted in, made to be difficult in one way each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

W, H, COUNT, BITS = 96, 64, 40, 6
CLOCK = Fraction(1, 1000)


def painted(number: int, width: int = W, height: int = H, noise: float = 0) -> np.ndarray:
    """A frame (height, width, 3) with `number` in white and black blocks, the lowest bit left."""
    image = np.full((height, width, 3), 40.0)
    for bit in range(BITS):
        if number >> bit & 1:
            image[16:48, 8 + bit * 12 : 18 + bit * 12] = 230
    if noise:
        image += np.random.default_rng(number).uniform(-noise, noise, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def number_in(image: np.ndarray) -> int:
    """The number that `painted` has painted."""
    blocks = [image[22:42, 11 + bit * 12 : 15 + bit * 12] for bit in range(BITS)]
    return sum(bool(block.mean() > 130) << bit for bit, block in enumerate(blocks))


def numbers_in(frames) -> list[int | None]:
    """The numbers painted into the images of frames; None for a lost one."""
    return [None if frame.image is None else number_in(frame.image) for frame in frames]


def film(
    path: Path,
    codec: str = "libx264",
    count: int = COUNT,
    pixels: str = "yuv420p",
    times: list[int] | None = None,
    rotation: int = 0,
    size: tuple[int, int] = (W, H),
    noise: float = 0,
    container: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """Writes a film with PyAV.

    Args:
        times: of the frames, in ms; 30 frames a second without.
        rotation: degrees, counter-clockwise, by which a player has to turn the stored frames.
    """
    import av

    with av.open(str(path), "w", options=container or {}) as file:
        stream = file.add_stream(codec, rate=30)
        turn = rotation // 90
        stream.width, stream.height = size if turn % 2 == 0 else size[::-1]
        stream.pix_fmt, stream.options = pixels, {"sc_threshold": "0", **options}
        stream.codec_context.time_base = clock = CLOCK if times else Fraction(1, 30)
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(count):
            image = np.ascontiguousarray(np.rot90(painted(number, *size, noise), -turn))
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = times[number] if times else number, clock
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def irregular_times() -> list[int]:
    return np.cumsum(np.random.default_rng(0).integers(8, 90, COUNT)).tolist()


def packets(path: Path) -> list[tuple[int, int]]:
    """Place and length of each packet in the file, in its order."""
    import av

    with av.open(str(path)) as file:
        return [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]


def overwritten(path: Path, packet: int, share: float = 0.0) -> Path:
    """Zeroes a packet of the file `path`, from `share` of its length on."""
    place, length = packets(path)[packet]
    data = bytearray(path.read_bytes())
    kept = int(length * share)
    data[place + kept : place + length] = bytes(length - kept)
    path.write_bytes(data)
    return path


def cut_off(path: Path, packet: int) -> Path:
    """Ends the file in the middle of a packet."""
    place, length = packets(path)[packet]
    path.write_bytes(path.read_bytes()[: place + length // 2])
    return path


def copied_from(source: Path, path: Path, first: int) -> Path:
    """As `ffmpeg -ss ... -c copy`: from the key frame before `first` on, with an edit list."""
    import av

    with av.open(str(source)) as file, av.open(str(path), "w") as copy:
        stream = file.streams.video[0]
        start = round(first / 30 / stream.time_base)
        file.seek(start, stream=stream)
        target = copy.add_stream_from_template(stream)
        for packet in file.demux(stream):
            if packet.dts is not None:
                packet.pts, packet.dts = packet.pts - start, packet.dts - start
                packet.stream = target
                copy.mux(packet)
    return path


@dataclass(frozen=True)
class Difficult:
    """A difficult film: how it is made, and the numbers that a player would show."""

    make: Callable[[Path], Path]
    numbers: tuple[int, ...] = tuple(range(COUNT))


def _cut(folder: Path) -> Path:
    whole = film(folder / "whole.mp4", g="12", bf="0")
    return copied_from(whole, folder / "cut.mp4", first=17)


DIFFICULT = {
    "variable frame rate": Difficult(lambda f: film(f / "vfr.mp4", times=irregular_times())),
    "variable frame rate in webm": Difficult(
        lambda f: film(f / "vfr.webm", "libvpx-vp9", times=irregular_times())
    ),
    "a cut with an edit list": Difficult(_cut, tuple(range(17, COUNT))),
    "turned by 90": Difficult(lambda f: film(f / "90.mp4", rotation=90)),
    "turned by 180": Difficult(lambda f: film(f / "180.mp4", rotation=180)),
    "turned by 270": Difficult(lambda f: film(f / "270.mp4", rotation=270)),
    "raw h264": Difficult(lambda f: film(f / "raw.h264")),
    "10 bits": Difficult(
        lambda f: film(
            f / "ten.mkv", "libx265", pixels="yuv420p10le", **{"x265-params": "log-level=none"}
        )
    ),
    "MJPEG in avi": Difficult(lambda f: film(f / "mjpeg.avi", "mjpeg", pixels="yuvj420p")),
    "MPEG-4 with frames out of order in avi": Difficult(
        lambda f: film(f / "mpeg4.avi", "mpeg4", bf="2", g="12")
    ),
    "VP8 with alpha in webm": Difficult(
        lambda f: film(f / "vp8.webm", "libvpx", pixels="yuva420p", **{"auto-alt-ref": "0"})
    ),
    "alpha": Difficult(lambda f: film(f / "alpha.mov", "png", pixels="rgba")),
    "grey": Difficult(lambda f: film(f / "grey.avi", "ffv1", pixels="gray")),
    "odd sizes": Difficult(lambda f: film(f / "odd.avi", "ffv1", pixels="bgr0", size=(97, 65))),
    "a transport stream": Difficult(lambda f: film(f / "stream.ts")),
    "one frame": Difficult(lambda f: film(f / "one.mp4", count=1), (0,)),
}
