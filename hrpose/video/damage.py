"""Which frames of a damaged video are lost, and which show remains of it.

Packets go into a decoder in the order of dependence and frames come out in the order of their
times, `pts` in ticks of the stream; a frame and its packet have the same one. A damaged packet
spoils what is decoded after it, up to the next key frame.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator

_IN_DECODER = 64  # no decoder holds more frames back


class Damage:
    """Keeps account of one stream.

    Args:
        hidden_frames: some packets never give a frame, as in VP8; else each is expected to.
    """

    def __init__(self, hidden_frames: bool) -> None:
        self._hidden_frames = hidden_frames
        self._lost: list[tuple[float, str]] = []  # (pts, why), a heap
        self._notes: dict[int, str] = {}  # by pts, of packets whose frames are in the decoder
        self._damage, self._clean_from = "", -math.inf
        self._ordered, self._last_dts = True, -math.inf
        self.last_pts, self.longest_step = -math.inf, 0.0
        """Of the frames that came out, in ticks."""

    def spoils(self, note: str) -> None:
        """All that is decoded from here to the next key frame gets `note`."""
        self._damage, self._clean_from = note, math.inf

    def packet(
        self, pts: int | None, dts: int | None, key: bool, hidden: bool, fault: str, said: str
    ) -> str:
        """A packet went into the decoder; returns what is wrong with its frame.

        Args:
            key: nothing that is shown after it depends on what was before.
            hidden: its frame is not to be shown.
            fault: why it cannot be decoded; `said`: what the decoder complains of. '' if nothing.
        """
        if dts is not None:  # films that were joined begin again: times do not order them
            self._ordered &= dts >= self._last_dts
            self._last_dts = dts
        if key:
            self._clean_from = -math.inf if pts is None else pts
        note = self._damage if (pts or 0) < self._clean_from else ""
        if fault and not hidden:
            at = -math.inf if pts is None else pts
            heapq.heappush(self._lost, (at, f"cannot be decoded: {fault}"))
        if fault or said:
            note = f"decoded with errors: {fault or said}"
            self.spoils("follows a damaged frame")
        if pts is not None and not fault and not hidden:
            self._notes[pts] = note
            if len(self._notes) > _IN_DECODER:  # packets of which no frame is ever shown
                del self._notes[next(iter(self._notes))]
        return note

    def at_the_end(self) -> str:
        """What is wrong with frames that come out after the last packet, if no more is known."""
        return self._damage

    def frame(self, pts: int | None, note: str) -> str | None:
        """A frame came out; returns its own note, `note` where its packet is not known.

        None: its place has been given away as lost, as happens when a decoder gets lost.
        """
        if pts is not None and self._ordered:
            if self._damage and pts <= self.last_pts:
                return None
            if not math.isinf(self.last_pts):
                self.longest_step = max(self.longest_step, pts - self.last_pts)
            self.last_pts = max(self.last_pts, pts)
        return note if pts is None else self._notes.pop(pts, note)

    def lost_before(self, pts: float | None) -> Iterator[tuple[int | None, str]]:
        """Time and reason of the frames that should have come before `pts`; all for None."""
        if pts is None or not self._ordered:
            pts = math.inf
        if self._damage and self._ordered and not self._hidden_frames:
            for late in [at for at in self._notes if at < pts]:
                del self._notes[late]
                heapq.heappush(self._lost, (late, "cannot be decoded: it follows a damaged frame"))
        while self._lost and self._lost[0][0] < pts:
            at, why = heapq.heappop(self._lost)
            yield None if math.isinf(at) else int(at), why
