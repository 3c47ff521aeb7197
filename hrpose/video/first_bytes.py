"""What a file is by its first bytes, so that what is no video is told by its name."""

from __future__ import annotations

from pathlib import Path

from hrpose.errors import DataError

_KINDS = (
    (b"\x89PNG", "a PNG image"),
    (b"BM", "a BMP image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x89HDF", "an HDF5 file, as .h5 and .slp are"),
    (b"PK\3\4", "a ZIP archive, as .npz, .xlsx and .docx are"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80", "a pickle or other binary data"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself: git lfs pull"),
    (b"#EXTM3U", "a playlist"),
    (b"ffconcat", "a list of files for ffmpeg"),
)
_TEXT_VIDEO = (b"YUV4MPEG2",)
_MOVIE = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def refuse_what_is_no_video(path: Path) -> None:
    """Raise where `path` is certainly no video; what passes may still turn out to be none.

    ffmpeg itself is too willing: it takes text for a film of letters, and a playlist for leave to
    open other files and addresses.

    Raises:
        DataError: names the path and what stands there.
    """
    try:
        if path.is_dir():
            raise DataError(f"{path}: a folder, expected a video file")
        with path.open("rb") as file:
            data = file.read(1024)
    except FileNotFoundError:
        raise DataError(f"{path}: no such video file") from None
    except (OSError, ValueError) as problem:  # ValueError: a null character
        raise DataError(f"{path}: cannot be read ({problem})") from None
    kind = _no_video(data, path.suffix.lower())
    if kind:
        raise DataError(f"{path}: not a video: it is {kind}")


def found(path: Path) -> str:
    """A few words on the beginning of a file that a library cannot open as a video."""
    with path.open("rb") as file:
        data = file.read(1024)
        if data[4:8] in _MOVIE and b"moov" not in data + file.read():
            return (
                "it begins as an MP4 or MOV file and has no index (moov): the recording or the "
                "copy was broken off before its end"
            )
    return f"it begins with the bytes {data[:12].hex(' ')}"


def _no_video(data: bytes, suffix: str) -> str:
    if not data:
        return "an empty file"
    for start, kind in _KINDS:
        if data.startswith(start):
            return kind
    if data.startswith(b"\xff\xd8\xff") and suffix in (".jpg", ".jpeg"):  # a stream of them may be
        return "a JPEG image"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "a WebP image"
    if _is_text(data) and not data.startswith(_TEXT_VIDEO):
        return f"text that begins with {data[:24].decode(errors='replace').split(chr(10))[0]!r}"
    return ""


def _is_text(data: bytes) -> bool:
    try:
        data[:-4].decode()  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return not any(byte < 9 or 13 < byte < 32 for byte in data)
