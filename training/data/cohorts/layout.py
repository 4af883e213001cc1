"""Reads published folders and tables, and says in one sentence what is not as published."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.data.cohorts.cohort import WrongLayout

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
# So many names of what was found in its place are worth reading.
NAMES_SHOWN_MAX = 6


def root_of(folder: Path, *inside: str, holds: Sequence[str]) -> Path:
    """The absolute folder that has all names of `holds`: `folder`, or the first of `inside` that lies in it.

    Archives are unpacked with or without the folder that they name.
    """
    candidates = [folder, *(folder / name for name in inside)]
    for candidate in candidates:
        if all((candidate / name).exists() for name in holds):
            return candidate.absolute()
    raise WrongLayout(f"{folder}: expected {', '.join(holds)}, found {found_in(folder)}")


def images_in(
    folder: Path, *, suffixes: frozenset[str] = IMAGE_SUFFIXES, deep: bool = False, dicom: bool = False
) -> list[Path]:
    """The images of `folder` by name, hidden files left out; with `deep` those of its subfolders, with `dicom` what is
    DICOM by its content too."""
    if not folder.is_dir():
        raise WrongLayout(f"{folder.parent}: expected the folder {folder.name}, found {found_in(folder.parent)}")
    files = [
        file
        for file in folder.glob("**/*" if deep else "*")
        if not file.name.startswith(".")
        and file.is_file()
        and (file.suffix.lower() in suffixes or (dicom and is_dicom(file)))
    ]
    if not files:
        raise WrongLayout(f"{folder}: expected images ({', '.join(sorted(suffixes))}), found {found_in(folder)}")
    return sorted(files)


def there(*files: Path) -> tuple[Path, ...]:
    """`files`, or nothing where one of them is missing."""
    return files if all(file.is_file() for file in files) else ()


def is_dicom(file: Path) -> bool:
    """By its content, whatever it is called. Raises WrongLayout where it cannot be opened."""
    try:
        with file.open("rb") as opened:
            return opened.read(132)[128:] == b"DICM"
    except OSError as error:
        raise WrongLayout(f"{file}: expected an image that can be read: {error.strerror}") from error


def read_table(file: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    """The rows of a CSV file that has at least `columns`, and a row below them."""
    header, *rows = read_rows(file) or [[]]
    missing = [column for column in columns if column not in header]
    if missing:
        named = ", ".join(name for name in header if name) or "no header"
        raise WrongLayout(f"{file}: expected the columns {', '.join(missing)}, found {named}")
    if not rows:
        raise WrongLayout(f"{file}: expected rows below the names of the columns, found none")
    short = [""] * len(header)
    return [dict(zip(header, row + short, strict=False)) for row in rows]


def read_rows(file: Path) -> list[list[str]]:
    """The rows of a CSV file, the first one too, without empty ones. A quote that never ends would swallow rows."""
    try:
        return [row for row in csv.reader(io.StringIO(text_of(file)), strict=True) if row]
    except csv.Error as error:
        raise WrongLayout(f"{file}: expected a CSV file: {error}") from error


def read_list(file: Path) -> list[str]:
    """The lines of a text file, without empty ones."""
    return [line.strip() for line in text_of(file).splitlines() if line.strip()]


def text_of(file: Path) -> str:
    """A file in UTF-8, with or without a byte order mark."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WrongLayout(f"{file}: expected a file that can be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongLayout(f"{file}: expected text in UTF-8 (in Excel: CSV UTF-8), found other bytes") from error
    if "\0" in text:
        raise WrongLayout(f"{file}: expected text, found a NUL character")
    return text


def is_there(file: Path) -> bool:
    """Whether a file that a table names is there; a table may name what no file can be called."""
    try:
        return file.is_file()
    except OSError:
        return False


def each_once(file: Path, names: Iterable[str]) -> None:
    """Raises WrongLayout where two rows of `file` are about one image."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise WrongLayout(f"{file}: expected one row an image, found more of {twice[0]}")


def found_in(folder: Path) -> str:
    """What lies in `folder`, in a few words."""
    if not folder.is_dir():
        return "no such folder" if not folder.exists() else "a file"
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir() if not path.name.startswith("."))
    if not names:
        return "an empty folder"
    more = f" and {len(names) - NAMES_SHOWN_MAX} more" if len(names) > NAMES_SHOWN_MAX else ""
    return ", ".join(names[:NAMES_SHOWN_MAX]) + more


def without_images(file: Path, missing: Sequence[str], expected: int) -> None:
    """Tell that images named in `file` are not there: some are left out (a part was unpacked), all are an error."""
    if not missing:
        return
    sentence = f"{file}: {len(missing)} of {expected} images that it names are not there, such as {missing[0]}"
    if len(missing) == expected:
        raise WrongLayout(sentence)
    print(sentence, file=sys.stderr)
