"""The renderer of drawn animals is a room of its own."""

import ast
import subprocess
import sys
from pathlib import Path

import hrpose.animals

FOLDER = Path(hrpose.animals.__file__).parent


def test_importing_the_data_sets_does_not_import_it():
    code = "import hrpose.datasets, sys; sys.exit('hrpose.animals' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_imports_nothing_of_the_package():
    files = sorted(FOLDER.glob("*.py"))
    assert len(files) >= 6
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = [name for name in names if name.split(".")[0] == "hrpose"]
            assert all(name.startswith("hrpose.animals") for name in ours), file
