"""Run the fault tests and write what each did, what had to happen and what happened."""

import argparse
import ast
import os
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
FAULTS = ROOT / "tests" / "faults"
KEYS = ("name", "does", "expects")
Row = dict[str, str]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Run the fault tests (tests/faults) and write the table of faults. Exit "
        "status 1 if a test failed.",
        epilog="CI runs the fast ones; once a night: tools/fault_report.py --slow",
    )
    parser.add_argument("--slow", action="store_true", help="run those marked slow too")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "docs" / "reliability.md", help="the page to write"
    )
    return parser.parse_args()


def run_tests(slow: bool) -> ElementTree.Element:
    """What pytest reports of the fault tests."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        chosen = "fault" if slow else "fault and not slow"
        command = [sys.executable, "-m", "pytest", str(FAULTS), "-q", "-m", chosen]
        command += [f"--junitxml={report}", "-o", "junit_family=xunit1"]
        here = {**os.environ, "PYTHONPATH": str(ROOT)}  # not another hrpose that is installed
        subprocess.run(command, cwd=ROOT, env=here, check=False)
        if not report.is_file():
            sys.exit("pytest wrote no report")
        return ElementTree.parse(report).getroot()


def rows_of(report: ElementTree.Element) -> dict[str, dict[str, Row]]:
    """Area (the name of a test file) to fault to its row; cases of one fault are one row."""
    areas: dict[str, dict[str, Row]] = {}
    for case in report.iter("testcase"):
        told = [(p.get("name", ""), p.get("value", "")) for p in case.iter("property")]
        texts = dict(told)
        outcome, happened = outcome_of(case, [value for key, value in told if key == "happened"])
        area = areas.setdefault(case.get("classname", "").rpartition(".")[2] or "not run", {})
        name = texts.get("name") or case.get("name", "")
        row = area.setdefault(name, {key: texts.get(key, "") for key in KEYS} | {"name": name})
        row["outcome"] = worst(row.get("outcome", "passed"), outcome)
        row["seconds"] = str(float(row.get("seconds", 0)) + float(case.get("time", 0)))
        if happened not in row.get("happened", "").split("; "):
            row["happened"] = "; ".join(filter(None, [row.get("happened", ""), happened]))
    return areas


def outcome_of(case: ElementTree.Element, sentences: list[str]) -> tuple[str, str]:
    """passed, not run or FAILED; and what happened."""
    for tag in ("failure", "error"):
        for found in case.iter(tag):
            lines = (found.get("message") or found.text or tag).strip().splitlines()
            return "FAILED", lines[0]
    for found in case.iter("skipped"):
        return "not run", found.get("message", "")
    if not sentences:
        return "FAILED", "the test did not say what happened"
    return "passed", "; ".join(sentences)


def worst(first: str, second: str) -> str:
    return max(first, second, key=("passed", "not run", "FAILED").index)


def heading(area: str) -> str:
    """First line of the docstring of the test file `area`."""
    path = FAULTS / f"{area}.py"
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) if path.is_file() else None
    return (text or area).splitlines()[0].rstrip(".")


def page(areas: dict[str, dict[str, Row]], slow: bool) -> str:
    """The whole of docs/reliability.md."""
    import torch

    from hrpose.rundir import provenance

    rows = [row for area in areas.values() for row in area.values()]
    count = {
        kind: sum(row["outcome"] == kind for row in rows)
        for kind in ("passed", "not run", "FAILED")
    }
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions().items())
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    lines = [
        "# Reliability",
        "",
        "What can go wrong, what must happen then, and what happened. Each row is a test of "
        "`tests/faults`;",
        "`tools/fault_report.py" + " --slow" * slow + "` ran them and wrote this page.",
        "",
        f"- {len(rows)} faults: {count['passed']} passed, {count['FAILED']} failed, "
        f"{count['not run']} could not be run here"
        + ("" if slow else "; the slow ones were left out (`--slow` runs them)"),
        f"- {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, {provenance.machine(device)}, "
        f"{os.cpu_count()} processors",
        f"- {versions}",
    ]
    for area in sorted(areas, key=heading):
        lines += ["", f"## {heading(area)}", ""]
        lines += ["| fault | done | must happen | happened | | s |", "|---|---|---|---|---|--:|"]
        for row in areas[area].values():
            texts = [row[key] for key in (*KEYS, "happened", "outcome")]
            lines.append(f"| {' | '.join(map(cell, texts))} | {float(row['seconds']):.1f} |")
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """`text` as it can stand in a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    args = parse()
    sys.path.insert(0, str(ROOT))
    areas = rows_of(run_tests(args.slow))
    if not areas:
        sys.exit("no fault test was run")
    args.out.write_text(page(areas, args.slow), encoding="utf-8")
    failed = [f"{area}: {n}" for area, rows in areas.items() for n, row in rows.items()
              if row["outcome"] == "FAILED"]  # fmt: skip
    print(f"{args.out}: {sum(map(len, areas.values()))} faults, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
