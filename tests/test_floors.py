"""Imports only go down (docs/architecture.md has the floors), in no circle, and light things stay
light.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "hrpose"
FLOORS = [
    {"errors"},
    {"config", "environment"},
    {"geometry", "keypoints", "sides", "structures", "visualize"},
    {"processes", "storage", "codecs", "animals"},
    {"rundir", "datasets", "models", "metrics", "video"},
    {"predict"},
    {"convert"},
    {"engine"},
    {"reproduce", "api", "labelling", "browse", "own_page", "export", "report"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
"""From the ground up. Rooms on one floor do not know one another, except on the ground."""
GROUND = FLOORS[:3]
LIGHT = ["hrpose", "hrpose.errors", "hrpose.structures", "hrpose.config", "hrpose.config.registry"]
LIGHT += ["hrpose.keypoints", "hrpose.geometry", "hrpose.metrics", "hrpose.visualize"]
LIGHT += ["hrpose.labelling.suggest", "hrpose.commands.suggest", "hrpose.commands.init"]
LIGHT += ["hrpose.cli", "hrpose.environment", "hrpose.commands.train", "hrpose.commands.predict"]
LIGHT += ["hrpose.predict.run", "hrpose.predict.pose", "hrpose.datasets"]  # for other runtimes
LIGHT += ["hrpose.own_page.from_mmpose.page", "hrpose.commands.convert_config"]
LIGHT += ["hrpose.export.exported", "hrpose.rundir.provenance", "hrpose.commands.export"]
LIGHT += [f"hrpose.predict.tables.{name}" for name in ("coco", "dlc", "slp")]
MOST_FILES = 14
MOST_LINES, LONGEST_FUNCTION = 260, 60


def rooms() -> dict[Path, str]:
    """Every file of the package and the room that it belongs to."""
    files = [file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py"]
    return {file: file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in files}


def imported_modules(source: str, name: str) -> set[str]:
    """Modules of hrpose that a file imports anywhere in it: inside functions, for types alone."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"a relative import in {name}"
            module = node.module or ""
            if module.split(".")[0] == "hrpose":
                names = {f"{module}.{alias.name}" for alias in node.names}
                inside = {full for full in names if is_module(full)}
                found |= inside | ({module} if inside != names else set())
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.split(".")[0] == "hrpose"}
    return found - {"hrpose"}


def is_module(name: str) -> bool:
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source: str, file: Path) -> set[str]:
    """The rooms that a file imports."""
    return {name.split(".")[1] for name in imported_modules(source, file.name)}


def floor(room: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if room in names)


def complaints(room: str, uses: set[str]) -> list[str]:
    wrong = []
    for other in sorted(uses - {room}):
        known = any(other in names for names in FLOORS)
        below = known and floor(other) < floor(room)
        if not (below or (known and floor(other) == floor(room) < len(GROUND))):
            wrong.append(f"{room} imports {other}")
    return wrong


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """One circle for each module that leads back to itself."""
    found = []
    for start in sorted(graph):
        paths = [[start, other] for other in sorted(graph[start])]
        seen = set()
        while paths:
            path = paths.pop(0)
            if path[-1] == start:
                found.append(path)
                break
            if path[-1] not in seen:
                seen.add(path[-1])
                paths += [[*path, other] for other in sorted(graph.get(path[-1], ()))]
    return found


def test_every_room_has_its_floor_and_every_floor_its_rooms():
    assert set(rooms().values()) == set().union(*FLOORS)
    assert len(rooms()) > 100


def test_imports_only_go_down():
    wrong = []
    for file, room in rooms().items():
        uses = imported(file.read_text(encoding="utf-8"), file)
        wrong += [f"{file.relative_to(ROOT)}: {line}" for line in complaints(room, uses)]
    assert wrong == []


def test_no_module_leads_back_to_itself():
    graph = {
        module_name(file): imported_modules(file.read_text(encoding="utf-8"), file.name)
        for file in rooms()
    }
    assert circles(graph) == []


def test_the_rules_can_fail():
    source = "def f():\n    from hrpose.models import HRNet\nimport hrpose.engine.runner\n"
    assert imported_modules(source, "x") == {"hrpose.models", "hrpose.engine.runner"}
    assert imported("from hrpose.rundir import keeper, lock", Path("x.py")) == {"rundir"}
    assert complaints("datasets", {"models", "engine"}) == [
        "datasets imports engine",
        "datasets imports models",
    ]
    assert complaints("engine", {"models", "rundir", "predict"}) == []
    assert complaints("metrics", {"kypoints"}) == ["metrics imports kypoints"]
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}}
    assert circles(graph) == [["b", "c", "b"], ["c", "b", "c"]]
    with pytest.raises(AssertionError, match="relative import"):
        imported_modules("from . import a", "x.py")


def test_no_folder_and_no_file_is_too_large_to_be_looked_over():
    folders = {folder for folder in PACKAGE.rglob("*") if folder.is_dir()} - {PACKAGE / "commands"}
    crowded = {
        str(folder.relative_to(ROOT)): count
        for folder in folders
        if (count := sum(path.suffix != ".pyc" for path in folder.glob("*.*"))) > MOST_FILES
    }
    assert crowded == {}
    long = []
    for file in [*rooms(), *(ROOT / "tools").rglob("*.py")]:
        text = file.read_text(encoding="utf-8")
        if text.count("\n") > MOST_LINES:
            long.append(f"{file.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{file.relative_to(ROOT)}: {node.name} has {lines} lines")
    assert long == []


def test_metrics_and_the_prediction_loop_know_arrays_and_no_torch():
    quiet = ("metrics", "predict", "geometry", "keypoints", "structures", "config", "animals")
    for file, room in rooms().items():
        if room in quiet:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
            names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
            assert not any(str(name).split(".")[0] == "torch" for name in names), file


def test_the_drawn_animals_know_nothing_of_the_package():
    for file, room in rooms().items():
        if room == "animals":
            assert imported(file.read_text(encoding="utf-8"), file) <= {"animals"}, file


def test_the_engine_names_no_concrete_class():
    classes = {"HRNet", "HeatmapHead", "MSRAHeatmap", "UDPHeatmap", "KeypointMSELoss"}
    classes |= {"CocoPoseDataset", "SyntheticAnimals", "PCK", "NME", "CocoAP"}
    for file, room in rooms().items():
        if room == "engine":
            nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            names = {getattr(node, "id", getattr(node, "name", None)) for node in nodes}
            assert names & classes == set(), file


def test_tools_hold_no_classes_and_reach_no_further_than_they_must():
    files = list((ROOT / "tools").glob("*.py"))
    assert len(files) >= 10
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)], file
        assert imported(file.read_text(encoding="utf-8"), file) <= set().union(*FLOORS), file


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_import_no_torch(module):
    code = f"import {module}, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
