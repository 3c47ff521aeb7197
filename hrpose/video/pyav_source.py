"""Frames of a video by PyAV, packet by packet, so that a damaged one is named and the rest read.

Decoding has one thread: with more, an error comes packets later than the one that it is about. It
is no slower on small videos, and the reader runs beside the network in any case.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hrpose import environment
from hrpose.errors import DataError
from hrpose.video.first_bytes import found
from hrpose.video.frames import Decoded

_IN_DECODER = 64  # no decoder holds more frames back


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
        self._packets, self._broken = 0, ""
        self._lost: list[tuple[float, str]] = []  # (pts, why), by pts
        self._notes: dict[int, str] = {}  # of the packets whose frames are in the decoder, by pts
        self._damage, self._clean_from = "", -math.inf

    def __iter__(self) -> Iterator[Decoded]:
        for packet in self._demux():
            frames, note = self._decode(packet)
            for frame in frames:
                # frames come in the order of their times, packets do not
                yield from self._lost_before(math.inf if frame.pts is None else frame.pts)
                own = self._notes.pop(frame.pts, note)
                if frame.is_corrupt:
                    own = own or "the decoder calls it corrupt"
                yield Decoded(self._seconds(frame.pts), partial(self._image, frame), own)
        yield from self._lost_before(math.inf)

    def shortfall(self) -> str:
        """How the packets of the file compare with its header."""
        if self._broken or self._packets < self.header_frames:
            said = f", where the header says {self.header_frames}" if self.header_frames else ""
            why = f" ({self._broken})" if self._broken else ""
            return f"the file ends after {self._packets} frames{said}{why}: it is cut off"
        return ""

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def _demux(self) -> Iterator[Any]:
        """All packets, then None, which makes the decoder hand out what it holds."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                with self._logs(local=True):
                    packet = next(packets, None)
            except self._errors as problem:
                self._broken, packet = _reason(problem), None
            if packet is None:
                yield None
                return
            if packet.size:  # an empty one means that a frame is shown on, or the end
                self._packets += 1
                yield packet

    def _decode(self, packet: Any) -> tuple[list[Any], str]:
        """Frames that the decoder has now, and what is wrong with that of `packet`."""
        fault = ""
        with self._logs(local=True) as said:
            try:
                frames = self._stream.decode(packet)
            except self._errors as problem:
                frames, fault = [], _reason(problem)
        if packet is None:
            return frames, self._damage
        if packet.is_keyframe:  # what is shown after it is decoded from it
            self._clean_from = -math.inf if packet.pts is None else packet.pts
        note = self._damage if (packet.pts or 0) < self._clean_from else ""
        if fault or said:
            what = fault or said[0][2].strip()
            if fault and not packet.is_discard:
                at = -math.inf if packet.pts is None else packet.pts
                heapq.heappush(self._lost, (at, f"cannot be decoded: {what}"))
            note = f"decoded with errors: {what}"
            self._damage, self._clean_from = "follows a damaged frame", math.inf
        if packet.pts is not None and not fault:
            self._notes[packet.pts] = note
            if len(self._notes) > _IN_DECODER:  # packets of which no frame is ever shown
                del self._notes[next(iter(self._notes))]
        return frames, note

    def _lost_before(self, pts: float) -> Iterator[Decoded]:
        while self._lost and self._lost[0][0] < pts:
            at, why = heapq.heappop(self._lost)
            yield Decoded(self._seconds(None if math.isinf(at) else at), None, why)

    def _seconds(self, pts: float | None) -> float | None:
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
