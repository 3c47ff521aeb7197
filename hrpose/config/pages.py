"""The pages that come with hrpose, and which file CONFIG on a command line means."""

from pathlib import Path

from hrpose.config.typecheck import did_you_mean
from hrpose.errors import ConfigError


def pages_folder() -> Path:
    """The folder of the shipped pages: in an installed wheel `hrpose/pages`, else `configs`."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "pages"
    return inside if inside.is_dir() else package.parent / "configs"


def shipped_pages() -> list[Path]:
    """The files of all pages that come with hrpose; those they are based on are not among them."""
    folder = pages_folder()
    return sorted(
        page
        for page in folder.rglob("*.py")
        if not any(part.startswith("_") for part in page.relative_to(folder).parts)
    )


def find_page(config: str | Path) -> Path:
    """The file of a page: `config` if that is a file, else the one shipped page of that name.

    Raises:
        ConfigError: there is none, or more than one; says where was looked.
    """
    path = Path(config).expanduser()
    if path.is_file():
        return path
    shipped = shipped_pages()
    named = [page for page in shipped if page.stem == str(config)]
    if len(named) == 1:
        return named[0]
    if named:
        places = " and ".join(map(str, named))
        raise ConfigError(f"{config}: {len(named)} pages have this name, {places}; give a path")
    beside = path.parent.glob("*.py") if path.parent.is_dir() else []
    hint = did_you_mean(path.stem, [page.stem for page in (*beside, *shipped)])
    raise ConfigError(
        f"{config}: no such config page: there is no file {path.absolute()}, and none of the "
        f"{len(shipped)} pages in {pages_folder()} has this name{hint}"
    )
