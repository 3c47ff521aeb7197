"""Frames of a video by PyAV, packet by packet, so that a damaged one is named and the rest read.

Decoding has one thread: with more, an error comes packets later than the one that it is about. It
is no slower on small videos, and the reader runs beside the network in any case.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hrpose import environment
from hrpose.errors import DataError
from hrpose.video.damage import Damage
from hrpose.video.first_bytes import found
from hrpose.video.frames import Decoded


class PyAVSource:
    """Decodes the video `path` with PyAV (extra `video`).

    Raises:
        DataError: it cannot be opened, or holds no video that can be decoded.
        RunError: PyAV cannot be imported.
    """

    name = "PyAV"

    def __init__(self, path: Path) -> None:
        self._av: Any = environment.require("av", "video", "reading a video with PyAV")
        # what the decoder has to say is caught; it would be silent, or write to the terminal
        self._av.logging.set_level(self._av.logging.ERROR)
        self._logs: Any = self._av.logging.Capture
        self._errors = (self._av.error.FFmpegError, OSError, ValueError)
        try:
            with self._logs(local=True):
                # a file and nothing else, even if it is called http: or names other files
                only_files = {"protocol_whitelist": "file"}
                self._container = self._av.open(f"file:{path}", options=only_files)
        except self._errors as problem:
            raise DataError(
                f"{path}: not a video that PyAV can open ({_reason(problem)}); {found(path)}"
            ) from None
        cover = self._av.stream.Disposition.attached_pic
        streams = [s for s in self._container.streams.video if not s.disposition & cover]
        if not streams or streams[0].codec_context is None:
            self._container.close()
            lacks = "a codec that PyAV does not know" if streams else "no video in it"
            raise DataError(f"{path}: not a video that PyAV can decode: {lacks}")
        self._stream = streams[0]
        self._stream.codec_context.thread_count = 1
        self._clock = self._stream.time_base
        self.header_frames: int = self._stream.frames
        self.rate = float(self._stream.average_rate) if self._stream.average_rate else None
        self._to_rgb = self._av.video.reformatter.VideoReformatter()
        self._damage = Damage(hidden_frames=self._stream.codec_context.name == "vp8")
        self._packets, self._broken = 0, ""  # the latter: where and why the file is not whole

    def __iter__(self) -> Iterator[Decoded]:
        for packet in self._demux():
            frames, note = self._decode(packet)
            for frame in frames:
                own = self._damage.frame(frame.pts, note)
                if own is None:
                    continue
                yield from self._lost_before(frame.pts)
                if frame.is_corrupt:
                    own = own or "the decoder calls it corrupt"
                yield Decoded(self._seconds(frame.pts), partial(self._image, frame), own)
        yield from self._lost_before(None)

    def shortfall(self) -> str:
        """How the packets of the file compare with its header, and what is between them."""
        why = self._broken or self._early_end()
        if not why and self._packets >= self.header_frames:
            return ""
        said = f", where the header says {self.header_frames}" if self.header_frames else ""
        return (
            f"{self._packets} frames are in it{said}{why and f' ({why})'}: it is cut off, or so "
            "damaged that frames are missing, and the numbers of those after them are too low"
        )

    def _early_end(self) -> str:
        """For files that count no frames: whether the video is much shorter than they say."""
        whole = self._container.duration
        if self.header_frames or not whole or len(self._container.streams) > 1:
            return ""  # the sound may be longer
        begin, last = self._stream.start_time or 0, self._damage.last_pts
        end = float((last - begin) * self._clock) if last > begin else 0.0
        lasts = whole / self._av.time_base
        if lasts - end > max(3 * float(self._damage.longest_step * self._clock), 0.5):
            return f"the last is shown at {end:.2f} s, the header says {lasts:.2f} s"
        return ""

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def _demux(self) -> Iterator[Any]:
        """All packets, then None, which makes the decoder hand out what it holds."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                with self._logs(local=True) as said:
                    packet = next(packets, None)
                self._look_between(packet, said)
            except self._errors as problem:
                self._broken, packet = self._broken or _reason(problem), None
            if packet is None:
                yield None
                return
            if packet.size:  # an empty one means that a frame is shown on, or the end
                self._packets += 1
                yield packet

    def _look_between(self, packet: Any, said: list[tuple[int, str, str]]) -> None:
        """Note where the file, and not only what is in a packet, is damaged: frames are missing."""
        # what its parser of the codec says is left to the decoder, which will say it again
        complaints = [text.strip() for _, name, text in said if name == self._container.format.name]
        if packet is not None and packet.is_corrupt and packet.size:
            complaints.append("an incomplete packet")
        if complaints:
            self._broken = self._broken or complaints[0]
            self._damage.spoils("follows a damaged place of the file")

    def _decode(self, packet: Any) -> tuple[list[Any], str]:
        """Frames that the decoder has now, and what is wrong with that of `packet`."""
        fault = ""
        with self._logs(local=True) as said:
            try:
                frames = self._stream.decode(packet)
            except self._errors as problem:
                frames, fault = [], _reason(problem)
        if packet is None:
            return frames, self._damage.at_the_end()
        return frames, self._damage.packet(
            packet.pts,
            packet.dts,
            key=packet.is_keyframe,
            hidden=packet.is_discard,
            fault=fault,
            said=said[0][2].strip() if said else "",
        )

    def _lost_before(self, pts: int | None) -> Iterator[Decoded]:
        for at, why in self._damage.lost_before(pts):
            yield Decoded(self._seconds(at), None, why)

    def _seconds(self, pts: int | None) -> float | None:
        return None if pts is None else float(pts * self._clock)

    def _image(self, frame: Any) -> np.ndarray | None:
        """`frame` in RGB, upright; None if its format cannot be converted."""
        try:
            image = self._to_rgb.reformat(frame, format="rgb24").to_ndarray()
        except self._errors:
            return None
        matrix = frame.side_data.get("DISPLAYMATRIX")
        if matrix is not None:
            image = turned(image, np.frombuffer(matrix, np.int32))
        return np.ascontiguousarray(image)


def turned(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """`image` as its display matrix (9,) wants it shown, to the nearest right angle.

    A point (x, y) is shown at (a x + c y, b x + d y); a, b, c and d are entries 0, 1, 3 and 4.
    Source: the `tkhd` box of ISO/IEC 14496-12.
    """
    a, b, c, d = (int(matrix[index]) for index in (0, 1, 3, 4))
    if abs(b) > abs(a):  # x becomes y
        image, a, d = image.swapaxes(0, 1), c, b
    image = image[:, ::-1] if a < 0 else image
    return image[::-1] if d < 0 else image


def _reason(problem: Exception) -> str:
    """The words of one of PyAV's errors, without its number and its functions."""
    return getattr(problem, "strerror", None) or str(problem)
