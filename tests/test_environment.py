"""Extras that are missing, and OpenCV 5."""

import sys
from types import SimpleNamespace

import pytest

from hrpose import environment
from hrpose.environment import opencv_owners, refuse_opencv_5, require
from hrpose.errors import RunError


def test_a_missing_extra_is_one_line_with_the_command(monkeypatch):
    assert require("json", "video", "nothing").__name__ == "json"
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(RunError) as refusal:
        require("av", "video", "reading video with PyAV")
    line = str(refusal.value)
    assert line.startswith("reading video with PyAV needs av, which cannot be imported (")
    assert line.endswith('python -m pip install "hrpose[video]"') and "\n" not in line


@pytest.fixture
def installed(monkeypatch):
    """Pretend that cv2 has this version, that these distributions are there, and what they want."""

    def pretend(cv2, **versions_and_wishes):
        there = {
            name.replace("_", "-"): SimpleNamespace(
                version=number, requires=wishes, metadata={"Name": name.replace("_", "-")}
            )
            for name, (number, wishes) in versions_and_wishes.items()
        }

        def version(name):
            if name not in there:
                raise environment.PackageNotFoundError(name)
            return there[name].version

        module = SimpleNamespace(__version__=cv2, __file__="/usr/lib/cv2.so")
        monkeypatch.setitem(sys.modules, "cv2", module)
        monkeypatch.setattr(environment, "version", version)
        monkeypatch.setattr(environment, "distributions", lambda: list(there.values()))

    return pretend


def test_opencv_4_is_welcome(installed):
    installed("4.13.0", opencv_python=("4.13.0.90", None))
    refuse_opencv_5(allowed=False)
    assert opencv_owners() == {"opencv-python": "4.13.0.90"}


def test_opencv_5_is_refused_by_name_with_who_brought_it(installed):
    installed(
        "5.0.0",
        opencv_python=("4.13.0.90", None),
        opencv_python_headless=("5.0.0.93", []),
        movement=("0.9.1", ["numpy", 'OpenCV_python.headless>=5; python_version > "3"']),
        hrpose=("0.1.0", ["opencv-python<5,>=4.10"]),
        other=("1.0", ['opencv-python-headless; extra == "video"']),
    )
    with pytest.raises(RunError) as refusal:
        refuse_opencv_5(allowed=False)
    first, *mending, last = str(refusal.value).splitlines()
    assert first.startswith("cv2 is OpenCV 5.0.0, which moves crops by up to 5 grey levels")
    assert first.endswith(" opencv-python-headless 5.0.0.93 (asked for by movement 0.9.1).")
    assert mending == [
        "To mend it:",
        "  python -m pip uninstall -y opencv-python opencv-python-headless",
        '  python -m pip install "opencv-python>=4.10,<5"',
    ]
    assert last == "To run with it all the same: --allow-opencv-5"
    refuse_opencv_5(allowed=True)


def test_an_opencv_5_that_pip_does_not_know(installed):
    installed("5.0.0-dev")
    with pytest.raises(RunError, match=r"came with /usr/lib/cv2\.so, which pip does not know"):
        refuse_opencv_5(allowed=False)


def test_a_cv2_that_cannot_be_imported_is_an_error_like_others(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(RunError, match=r"cv2 cannot be imported: .*cv2"):
        refuse_opencv_5(allowed=True)
    rest = SimpleNamespace(__path__=["/somewhere/cv2"])
    monkeypatch.setitem(sys.modules, "cv2", rest)
    with pytest.raises(RunError, match=r"/somewhere/cv2'\] is an empty folder(?s:.)*uninstall -y "):
        refuse_opencv_5(allowed=True)


@pytest.mark.parametrize("verb", ["train", "test"])
def test_train_and_test_refuse_it_before_any_work(installed, monkeypatch, capsys, tmp_path, verb):
    import importlib

    from hrpose import cli

    module = importlib.import_module(f"hrpose.engine.{verb}")
    name = "train" if verb == "train" else "run_test"
    started = []

    def start(*arguments):
        started.append(arguments)
        raise RunError("started")

    monkeypatch.setattr(module, name, start)
    installed("5.0.0")
    words = [verb, "hrnet_w32_synthetic_96x96", *(["x.pth"] if verb == "test" else [])]
    for options, says in (([], "cv2 is OpenCV 5.0.0"), (["--allow-opencv-5"], "started")):
        monkeypatch.setattr(sys, "argv", ["hrpose", *words, *options])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 2
        assert capsys.readouterr().err.startswith(f"RunError: {says}")
    assert len(started) == 1
