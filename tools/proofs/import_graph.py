"""What the modules of hrpose know of one another: files a folder, imports, circles.

python tools/proofs/import_graph.py [CHECKOUT]     # another checkout's, to compare with
"""

import argparse
import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Graph = dict[str, set[str]]


def modules(root: Path) -> dict[str, Path]:
    """Every module of the package below `root`, by its name."""
    found = {}
    for file in sorted((root / "hrpose").rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(files: dict[str, Path]) -> Graph:
    """What each module imports anywhere in it: inside functions, for types alone."""
    graph: Graph = {}
    for name, file in files.items():
        found: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                inside = {f"{node.module}.{alias.name}" for alias in node.names} & files.keys()
                found |= inside | ({node.module} if len(inside) < len(node.names) else set())
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
        graph[name] = (found & files.keys()) - {name, "hrpose"}
    return graph


def rooms(graph: Graph) -> Graph:
    """The same of the folders and files at the top of the package."""
    found: Graph = {}
    for name, uses in graph.items():
        for other in uses | {name}:
            room, used = (*name.split(".")[1:2], ""), (*other.split(".")[1:2], "")
            found.setdefault(room[0], set()).update({used[0]} - {room[0]})
    return found


def circles(graph: Graph) -> list[list[str]]:
    """Sets of nodes from each of which a way leads to all others of its set."""
    reached = {start: reachable(graph, start) for start in graph}
    found = {
        tuple(sorted(other for other in reached[start] if start in reached[other]))
        for start in graph
    }
    return sorted(list(circle) for circle in found if circle)


def reachable(graph: Graph, start: str) -> set[str]:
    """What a way leads to from `start`; itself only in a circle."""
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        if (node := waiting.pop()) not in seen:
            seen.add(node)
            waiting += graph[node]
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", nargs="?", type=Path, default=ROOT, metavar="CHECKOUT")
    root = parser.parse_args().checkout
    files = modules(root)
    graph = imports(files)
    of_rooms = rooms(graph)
    folders = Counter(file.parent.relative_to(root).as_posix() for file in files.values())
    for folder, count in sorted(folders.items()):
        print(f"{folder:<32} {count:3d} files")
    for title, one in (("modules", graph), ("rooms", of_rooms)):
        arrows = sum(map(len, one.values()))
        print(f"{len(one)} {title}, {arrows} imports, {len(circles(one))} circles")
        for circle in circles(one):
            print("  " + ", ".join(circle))


if __name__ == "__main__":
    main()
