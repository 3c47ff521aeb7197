"""Installs hrpose; what it needs is listed in requirements.txt."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="hrpose",
    version="0.1.0",
    description="Top-down heatmap pose estimation of animals with HRNet",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["hrpose", "hrpose.*"]),
    package_data={"hrpose": ["py.typed", "metrics/*.json"]},
    install_requires=(HERE / "requirements.txt").read_text(encoding="utf-8").splitlines(),
    extras_require={
        "test": ["pytest", "hypothesis", "pycocotools>=2.0.8"],
        "dev": ["ruff", "mypy", "pre-commit", "types-tqdm"],
    },
)
