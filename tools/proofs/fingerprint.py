"""What a refactoring must not change: ten steps with a fixed seed, to the bit."""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "configs/animal/hrnet/synthetic/hrnet_w32_synthetic_96x96.py"
CHANGES = (
    "data.train.length=80", "data.val.length=16", "data.test.length=24", "runner.epochs=1",
    "runner.log_interval=1", "runner.ema=0.99", "runner.clip_grad=1.0",
)  # fmt: skip


def digest(value: Any) -> str:
    """SHA-256 of nested containers, tensors and plain values, first 16 digits."""
    found = hashlib.sha256()

    def feed(part: Any) -> None:
        if isinstance(part, torch.Tensor):
            found.update(f"{part.dtype}{tuple(part.shape)}".encode())
            found.update(part.contiguous().reshape(-1).view(torch.uint8).numpy())
        elif isinstance(part, dict):
            for key in sorted(part, key=str):
                feed(key)
                feed(part[key])
        elif isinstance(part, list | tuple):
            for item in part:
                feed(item)
        else:
            found.update(repr(part).encode())

    feed(value)
    return found.hexdigest()[:16]


def run(tool: str, *arguments: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / tool), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def main() -> None:
    argparse.ArgumentParser(
        description="Train ten steps of the drawn animals, test the weights, and print digests of "
        "all that came of it: to be compared before and after a change that changes no number.",
        epilog="Equal only on one machine with one number of threads.",
    ).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--work-dir", folder, "--cfg-options", *CHANGES]
        run("train.py", str(PAGE), *options)
        run("test.py", str(PAGE), f"{folder}/latest.pth", *options)
        text = Path(folder, "metrics.jsonl").read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.splitlines()]
        state = torch.load(Path(folder, "latest.pth"), weights_only=True)
        predictions = json.loads(Path(folder, "predictions.json").read_text(encoding="utf-8"))
        scores = json.loads(Path(folder, "metrics.json").read_text(encoding="utf-8"))["metrics"]
    losses = [row["loss"] for row in rows if row["kind"] == "train"]
    print(f"losses        {digest(losses)}  first {losses[0]!r}, last {losses[-1]!r}")
    print(f"weights       {digest(state['state_dict'])}")
    parts = ("train_state_dict", "ema_updates", "optimizer", "scaler", "generators", "losses")
    print(f"checkpoint    {digest({name: state[name] for name in parts})}")
    print(f"metrics.jsonl {digest(rows)}")
    print(f"predictions   {digest(predictions)}")
    print(f"metrics       {digest(scores)}  {scores}")


if __name__ == "__main__":
    main()
