"""The losses since the last log line."""

from __future__ import annotations

import torch

from hrpose.processes import distributed


class Losses:
    """One loss a step; each stays on its device until all are asked for."""

    def __init__(self) -> None:
        self.begin()

    def begin(self, before: torch.Tensor | None = None) -> None:
        """Start anew; `before` are losses from before a resume, means over the processes."""
        self._before = before if before is not None and len(before) else None
        self._new: list[torch.Tensor] = []

    def add(self, loss: torch.Tensor) -> None:
        """The loss of one step, NaN if it was skipped."""
        self._new.append(loss)

    def values(self) -> torch.Tensor:
        """One a step, means over the processes, which all must ask together."""
        new = [distributed.mean(torch.stack(self._new))] if self._new else []
        # those from before a resume are means already: a mean of equal numbers may differ from them
        parts = [self._before, *new] if self._before is not None else new
        return torch.cat(parts) if parts else torch.zeros(0)
