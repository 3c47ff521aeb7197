"""Installs hrpose with what a user of it needs; requirements.txt is for its development."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

NEEDED = [
    "torch>=2.6",
    "torchvision",
    "numpy>=1.26",
    "opencv-python>=4.10,<5",
    "mmcv-lite>=2.1",
    "mmengine>=0.10",
    "json-tricks>=3.17",
    "matplotlib>=3.8",
    "tensorboard",
    "tqdm",
    "filelock>=3.12",
    "jinja2>=3.1",
    "msgspec>=0.18",
]
EXTRAS = {
    # referees of our own AP; xtcocotools is built for NumPy 1 and for no Python above 3.11
    "coco": [
        'xtcocotools>=1.14; python_version < "3.12"',
        'numpy<2; python_version < "3.12"',
        "pycocotools>=2.0.8",
    ],
    "dlc": ["pandas", "tables"],
    "sleap": ["sleap-io", "h5py"],
    "video": ["av"],
    "export": ["onnx", "onnxscript", "onnxruntime", "safetensors"],
}
ALL = [requirement for extra in EXTRAS.values() for requirement in extra]

setup(
    name="hrpose",
    version="0.1.0",
    description="Top-down heatmap pose estimation of animals with HRNet",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    # the pages travel in the wheel as hrpose/pages; an editable install reads configs/ itself
    packages=[*find_packages(include=["hrpose", "hrpose.*"]), "hrpose.pages"],
    package_dir={"hrpose.pages": "configs"},
    package_data={
        "hrpose": ["py.typed", "metrics/*.json"],
        "hrpose.browse": ["*.html"],
        "hrpose.report.page": ["*.html", "*.css"],
        "hrpose.visualize.html": ["*.html", "*.css", "*.js"],
        "hrpose.pages": ["**/*.py", "**/*.json", "**/*.md"],
    },
    entry_points={"console_scripts": ["hrpose = hrpose.cli:main"]},
    install_requires=NEEDED,
    extras_require={
        **EXTRAS,
        "all": ALL,
        "test": [*ALL, "pytest", "pytest-xdist", "hypothesis"],
        "dev": ["ruff", "mypy", "pre-commit", "types-tqdm"],
    },
)
