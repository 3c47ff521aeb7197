"""What the keypoints of a data set are called, how they mirror and connect: one checked record."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hrpose.config.registry import register
from hrpose.sides import sides_of


@register
@dataclass(frozen=True)
class KeypointMeta:
    """The keypoints of one data set, by name; checks itself and reports all it finds at once.

    Sequences are kept as tuples. Lists of ids follow the order in which the names were given.

    Args:
        flip_pairs: names that change places in a mirrored image; a name in no pair stays itself.
        upper_body: names that half-body augmentation keeps together; `lower_body` likewise.
        sigmas: per keypoint, the fall-off of OKS as in COCO (k = 2 sigma); None where unknown.
        skeleton: pairs of names to draw a limb between.
        aliases: what annotation files may call the keypoints instead, one for one.

    Raises:
        ValueError: one or more fields contradict each other; the message lists every problem.
    """

    dataset: str
    names: Sequence[str]
    flip_pairs: Sequence[Sequence[str]] = ()
    upper_body: Sequence[str] = ()
    lower_body: Sequence[str] = ()
    sigmas: Sequence[float] | None = None
    skeleton: Sequence[Sequence[str]] = ()
    aliases: Sequence[str] = ()

    def __post_init__(self) -> None:
        problems = [
            *_name_problems(self.names),
            *self._flip_problems(),
            *self._body_problems(),
            *self._sigma_problems(),
            *self._skeleton_problems(),
            *self._alias_problems(),
        ]
        if problems:
            raise ValueError(f"keypoints of {self.dataset!r}: " + "; ".join(problems))
        for field in ("names", "upper_body", "lower_body", "aliases"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        for field in ("flip_pairs", "skeleton"):
            object.__setattr__(self, field, tuple(tuple(pair) for pair in getattr(self, field)))
        if self.sigmas is not None:
            object.__setattr__(self, "sigmas", tuple(float(sigma) for sigma in self.sigmas))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def num_keypoints(self) -> int:
        """How many keypoints there are, K."""
        return len(self.names)

    @property
    def flip_index(self) -> list[int]:
        """Permutation of 0..K-1: entry k is the keypoint that k becomes in a mirrored image."""
        partner = {name: name for name in self.names}
        for left, right in self.flip_pairs:
            partner[left], partner[right] = right, left
        return self._ids(partner[name] for name in self.names)

    def unpaired(self) -> list[str]:
        """Names that say left or right and are in no pair, so that a mirrored image would have the
        left where it calls it the right. `near` and `off` say nothing of the kind.
        """
        sides = sides_of(self.names)
        paired = {name for pair in self.flip_pairs for name in pair}
        said = [name for pair in sides.pairs if pair not in sides.near for name in pair]
        return [name for name in self.names if name in {*said, *sides.lonely} - paired]

    @property
    def upper_ids(self) -> list[int]:
        """Ids of the upper body."""
        return self._ids(self.upper_body)

    @property
    def lower_ids(self) -> list[int]:
        """Ids of the lower body."""
        return self._ids(self.lower_body)

    @property
    def skeleton_ids(self) -> list[tuple[int, int]]:
        """Pairs of ids to connect."""
        return [(self.index(start), self.index(end)) for start, end in self.skeleton]

    def index(self, name: str) -> int:
        """Id of `name`; ValueError with a proposal where there is none."""
        if name not in self.names:
            raise ValueError(f"keypoints of {self.dataset!r}: {_unknown(name, self.names)}")
        return list(self.names).index(name)

    def _ids(self, names: Iterable[str]) -> list[int]:
        place = {name: index for index, name in enumerate(self.names)}
        return [place[name] for name in names]

    def _flip_problems(self) -> list[str]:
        problems = []
        partner: dict[str, str] = {}
        for pair in self.flip_pairs:
            wrong = _pair_problems("flip_pairs", pair, self.names)
            problems += wrong
            if wrong:
                continue
            for name, other in (pair, pair[::-1]):
                if name in partner:
                    problems.append(
                        f"flip_pairs: {name!r} is paired with {partner[name]!r} and with "
                        f"{other!r}; a keypoint mirrors into one other"
                    )
                partner.setdefault(name, other)
        return problems

    def _body_problems(self) -> list[str]:
        problems = []
        for field, names in (("upper_body", self.upper_body), ("lower_body", self.lower_body)):
            if isinstance(names, str):
                problems.append(f"{field}: expected a list of names, got the string {names!r}")
                continue
            unknown = [name for name in names if name not in self.names]
            problems += [f"{field}: {_unknown(name, self.names)}" for name in unknown]
            problems += [f"{field}: {name!r} is listed twice" for name in _repeated(names)]
        both = [name for name in self.upper_body if name in self.lower_body]
        if both and not problems:
            problems += [f"upper_body and lower_body: {name!r} is in both" for name in both]
        return problems

    def _sigma_problems(self) -> list[str]:
        if self.sigmas is None:
            return []
        problems = []
        if len(self.sigmas) != len(self.names):
            count = f"{len(self.sigmas)} sigmas for {len(self.names)} names"
            rest = self.names[len(self.sigmas) :]
            missing = f"; none for {', '.join(map(repr, rest))}" if rest else ""
            problems.append(f"sigmas: {count}, expected one each{missing}")
        for name, sigma in zip(self.names, self.sigmas, strict=False):
            if not (_is_number(sigma) and math.isfinite(sigma) and sigma > 0):
                problems.append(f"sigmas: {sigma!r} of {name!r} must be a number above 0")
        return problems

    def _skeleton_problems(self) -> list[str]:
        problems = []
        for pair in self.skeleton:
            problems += _pair_problems("skeleton", pair, self.names)
        return problems

    def _alias_problems(self) -> list[str]:
        if not self.aliases or len(self.aliases) == len(self.names):
            return []
        return [f"aliases: {len(self.aliases)} for {len(self.names)} names, expected one each"]


def _name_problems(names: Sequence[str]) -> list[str]:
    if isinstance(names, str):
        return [f"names: expected a list of names, got the string {names!r}"]
    if not names:
        return ["names: empty, expected at least one keypoint"]
    problems = [
        f"names: {name!r} must be a string that is not empty"
        for name in names
        if not (isinstance(name, str) and name)
    ]
    return problems + [f"names: {name!r} is listed twice" for name in _repeated(names)]


def _pair_problems(field: str, pair: Sequence[str], names: Sequence[str]) -> list[str]:
    if isinstance(pair, str) or len(pair) != 2:
        return [f"{field}: {pair!r} must be a pair of two names"]
    problems = [f"{field}: {_unknown(name, names)}" for name in pair if name not in names]
    if pair[0] == pair[1] and not problems:
        problems.append(f"{field}: {pair[0]!r} is paired with itself")
    return problems


def _unknown(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(name), [str(known) for known in names], n=1)
    return f"no keypoint is called {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if list(names).count(name) > 1}, key=str)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
