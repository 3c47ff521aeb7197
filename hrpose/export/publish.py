"""Weights to hand on: without the state of training, with page, metrics and licence beside them."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

import hrpose
from hrpose.errors import RunError
from hrpose.export import deeplabcut
from hrpose.export.card import Card, text_of
from hrpose.export.numbers import Numbers, own_numbers, read_numbers
from hrpose.export.original import Original, read_original
from hrpose.models import TopDown
from hrpose.storage import safetensors_file
from hrpose.storage.addresses import without_secrets
from hrpose.storage.seal import sealed
from hrpose.storage.whole_file import draft, write_whole

Format = Literal["pth", "safetensors", "deeplabcut"]
_SUFFIXES = {"pth": "pth", "safetensors": "safetensors", "deeplabcut": "pt"}


@dataclass(frozen=True)
class PublishRequest:
    """What is to be published.

    Args:
        name: of the page; the file's name begins with it.
        metrics: file of `hrpose test` or `hrpose evaluate` with the numbers of this checkpoint.
        licence: under which the weights may be used, in words.
        card: whether a Markdown file that describes them is written beside them.
    """

    page: dict[str, Any]
    name: str
    checkpoint: str
    out: Path
    format: Format = "pth"
    metrics: Path | None = None
    licence: str = ""
    card: bool = False


def publish(request: PublishRequest) -> tuple[list[Path], list[str]]:
    """Write the weights of a checkpoint under a name that holds their digest.

    Their content decides the name and nothing else does: publishing again gives the same file.

    Returns:
        The files, and what is to be said, a line each.

    Raises:
        HrposeError: page, checkpoint or metrics cannot be used, or nothing can be written.
    """
    original = read_original(request.page, request.checkpoint)
    page = without_secrets(request.page)
    numbers = _numbers(request, original)
    meta = _meta(request, original, page, numbers)
    data = _bytes(original.model, meta, request.format)
    sha256 = hashlib.sha256(data).hexdigest()
    path = request.out / f"{request.name}-{sha256[:8]}.{_SUFFIXES[request.format]}"
    paths = [path]
    try:
        request.out.mkdir(parents=True, exist_ok=True)
        with draft(path) as file:
            file.write(data)
        if request.card:
            card = Card(page, request.name, path.name, sha256, meta, numbers)
            paths.append(path.with_suffix(".md"))
            write_whole(paths[1], text_of(card))
    except OSError as error:
        raise RunError(
            f"{error.filename or request.out}: cannot be written ({error.strerror}); choose "
            "another --out"
        ) from error
    notes = [] if meta["licence"] else ["no licence is stated: name it with --licence TEXT"]
    if numbers is None:
        notes.append("the checkpoint holds no metrics of its weights: give them with --metrics")
    if request.format == "deeplabcut":
        notes += deeplabcut.notes_on(original.experiment)
    return paths, [*original.said, *notes]


def _numbers(request: PublishRequest, original: Original) -> Numbers | None:
    if request.metrics is not None:
        return read_numbers(request.metrics, original.sha256)
    return own_numbers(original.meta, original.experiment.settings.save_best)


def _meta(
    request: PublishRequest, original: Original, page: dict[str, Any], numbers: Numbers | None
) -> dict[str, str]:
    """Texts alone, so that all formats can hold them."""
    return {
        "name": request.name,
        "page": json.dumps(page),
        "metrics": json.dumps(numbers.as_json()) if numbers else "",
        "licence": request.licence,
        "checkpoint_sha256": original.sha256,
        "train_sha256": str(original.meta.get("train", "")),
        "hrpose": hrpose.__version__,
    }


def _bytes(model: TopDown, meta: dict[str, str], format: Format) -> bytes:
    state_dict = model.state_dict()
    if format == "safetensors":
        return safetensors_file.to_bytes(state_dict, meta)
    content: dict[str, Any] = {"state_dict": dict(state_dict)}
    if format == "deeplabcut":
        content = deeplabcut.snapshot_of(model)
    buffer = io.BytesIO()
    torch.save(sealed({**content, "meta": meta}), buffer)
    return buffer.getvalue()
