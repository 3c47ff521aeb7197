"""Imports only go down (the floors of DESIGN.md), and light things stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    {"errors", "files", "structures", "typecheck"},
    {"registry", "overrides", "references", "config"},
    {"geometry", "keypoints"},
    {"codecs"},
    {"datasets", "models", "metrics"},
    {"engine"},
    {"predict", "report", "reproduce", "benchmark", "visualize", "export", "convert"},
]
ALLOWED_ASIDE = {
    "config": {"overrides", "references"},
    "registry": set(),
    "report": {"visualize"},
    "predict": {"visualize"},
    "export": set(),
}
"""Rooms on one floor that may be imported by a neighbour; all other neighbours may not."""
LIGHT = ["hrpose", "hrpose.errors", "hrpose.structures", "hrpose.config.registry", "hrpose.config"]
LIGHT += ["hrpose.keypoints", "hrpose.geometry", "hrpose.metrics", "hrpose.visualize"]


def rooms() -> dict[Path, str]:
    """Every file of the package and the room that it belongs to."""
    package = ROOT / "hrpose"
    files = [file for file in package.rglob("*.py") if file != package / "__init__.py"]
    return {file: file.relative_to(package).parts[0].removesuffix(".py") for file in files}


def imported(source: str, file: Path) -> set[str]:
    """The rooms of hrpose that a file imports anywhere in it, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                found.add(f"a relative import in {file.name}")
            elif node.module == "hrpose":
                found |= {alias.name for alias in node.names}
            elif node.module and node.module.startswith("hrpose."):
                found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {parts[1] for parts in names if parts[0] == "hrpose" and len(parts) > 1}
    return found - {"__version__"}


def floor(room: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if room in names)


def complaints(room: str, uses: set[str]) -> list[str]:
    wrong = []
    for other in sorted(uses - {room}):
        known = any(other in names for names in FLOORS)
        below = known and floor(other) < floor(room)
        aside = known and floor(other) == floor(room) and other in ALLOWED_ASIDE.get(room, ())
        if not (below or aside):
            wrong.append(f"{room} imports {other}")
    return wrong


def test_every_room_has_its_floor():
    assert set(rooms().values()) - set().union(*FLOORS) == set()
    assert len(rooms()) > 30


def test_imports_only_go_down():
    wrong = []
    for file, room in rooms().items():
        uses = imported(file.read_text(), file)
        wrong += [f"{file.relative_to(ROOT)}: {line}" for line in complaints(room, uses)]
    assert wrong == []


def test_the_rule_can_fail():
    source = "def f():\n    from hrpose.models import HRNet\nimport hrpose.engine.runner\n"
    uses = imported(source, Path("x.py"))
    assert uses == {"models", "engine"}
    assert complaints("datasets", uses) == ["datasets imports engine", "datasets imports models"]
    assert complaints("engine", uses) == []
    assert complaints("metrics", {"kypoints"}) == ["metrics imports kypoints"]
    assert imported("from . import a", Path("x.py")) == {"a relative import in x.py"}


def test_registry_and_config_stand_beside_the_ground():
    for name in ("registry", "config"):
        file = ROOT / "hrpose" / f"{name}.py"
        uses = imported(file.read_text(), file)
        assert uses <= {"errors", "typecheck", "overrides", "references"}


def test_metrics_know_arrays_and_no_torch():
    for file, room in rooms().items():
        if room in ("metrics", "geometry", "keypoints", "structures", "registry", "config"):
            assert "torch" not in file.read_text().replace("torchrun", "")


def test_the_engine_names_no_concrete_class():
    classes = {"HRNet", "HeatmapHead", "MSRAHeatmap", "UDPHeatmap", "KeypointMSELoss"}
    classes |= {"CocoPoseDataset", "SyntheticAnimals", "PCK", "NME", "CocoAP"}
    for file, room in rooms().items():
        if room == "engine":
            nodes = ast.walk(ast.parse(file.read_text()))
            names = {getattr(node, "id", getattr(node, "name", None)) for node in nodes}
            assert names & classes == set(), file


def test_tools_hold_no_classes_and_reach_no_further_than_they_must():
    files = list((ROOT / "tools").glob("*.py"))
    assert len(files) >= 3
    for file in files:
        tree = ast.parse(file.read_text())
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)], file
        assert imported(file.read_text(), file) <= set().union(*FLOORS), file


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_import_no_torch(module):
    code = f"import {module}, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
