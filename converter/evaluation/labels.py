"""The label file of a hospital: one row an image, what readers saw in it, and who it is for the tables.

Columns, in any order, separated by comma, semicolon or tab; upper and lower case do not matter:

- `file` (path inside the folder, or a name that only one file has) or `sop_instance_uid`, or both;
- one column for each finding of the model, by its name (`pneumonia`), or one column `label`;
- if wanted `patient_id`, `source` (ward, device, hospital), `view`, `sex`, `age`.

A finding is 1, yes, true, positive, present, or 0, no, false, negative, absent; nothing, ?, unknown or unclear mean
that nobody answered.
`label` takes the same words where the model has one finding; else the names of what is there with + between them
("pneumonia + effusion"), or "normal".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePosixPath

from converter.image.age import YEARS_MAX, YEARS_PER_UNIT

ROWS_MAX = 200_000
# Each source and view is a group of its own, with figures and plots.
GROUPS_MAX = 50
CHARACTERS_SHOWN_MAX = 40
PLACES = ("file", "sop_instance_uid")
ABOUT = ("patient_id", "source", "view", "sex", "age")
PRESENT = frozenset({"1", "1.0", "yes", "y", "true", "positive", "pos", "present"})
ABSENT = frozenset({"0", "0.0", "no", "n", "false", "negative", "neg", "absent"})
NO_ANSWER = frozenset({"", "?", "unknown", "unclear", "na", "n/a", "nan"})
NOTHING_FOUND = frozenset({"normal", "none", "no finding"})
SEXES = {"": "", "m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}


@dataclass(frozen=True)
class Label:
    """One row. file has forward slashes; truth has only findings that got an answer."""

    line: int
    file: str
    sop_instance_uid: str
    truth: Mapping[str, bool]
    patient: str = ""
    source: str = ""
    view: str = ""
    sex: str = ""
    age_years: float | None = None


@dataclass(frozen=True)
class Labels:
    """problems: what is wrong, as "LINE: message", every row of it; ignored: columns that mean nothing here."""

    rows: tuple[Label, ...]
    problems: tuple[str, ...]
    ignored: tuple[str, ...] = ()


def read_labels(text: str, findings: Sequence[str]) -> Labels:
    """The rows of a label file for a model with these findings, and everything that is wrong with it."""
    text = text.removeprefix("\ufeff")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        table = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        return Labels((), (f"{reader.line_num}: not readable as CSV: {error}",))
    if not table:
        return Labels((), ("1: the file is empty",))
    names = [name.strip().casefold() for name in table[0][1]]
    problems = [f"1: {problem}" for problem in _header_problems(names, findings)]
    if len(table) - 1 > ROWS_MAX:
        problems.append(f"{table[ROWS_MAX + 1][0]}: more than {ROWS_MAX} rows")
    if problems:
        return Labels((), tuple(problems))
    rows: list[Label] = []
    first_line: dict[str, int] = {}
    for line, cells in table[1:]:
        if len(cells) != len(names):
            problems.append(f"{line}: {len(cells)} values, the header has {len(names)} columns")
            continue
        row = dict(zip(names, (cell.strip() for cell in cells), strict=True))
        found, wrong = _read_row(line, row, findings)
        key = found.file or found.sop_instance_uid
        if not wrong and key in first_line:
            wrong = [f"the same image as in line {first_line[key]}"]
        first_line.setdefault(key, line)
        problems += [f"{line}: {message}" for message in wrong]
        rows.append(found)
    problems += [f"1: {problem}" for problem in _too_many_groups(rows)]
    if not rows and not problems:
        problems.append("1: no row below the header")
    known = {*PLACES, *ABOUT, "label", *(name.casefold() for name in findings)}
    return Labels(tuple(rows), tuple(problems), tuple(name for name in names if name not in known))


def _header_problems(names: Sequence[str], findings: Sequence[str]) -> Iterator[str]:
    of_findings = [name.casefold() for name in findings]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the column {name!r} is there twice"
    wanted = [*PLACES, *ABOUT, "label", *of_findings]
    if not set(PLACES) & set(names):
        yield "no column 'file' or 'sop_instance_uid'" + _meant(names, PLACES)
    if "label" not in names and not set(of_findings) & set(names):
        yield f"no column 'label' and none of {', '.join(map(repr, findings))}" + _meant(names, ["label", *of_findings])
    if "label" in names and set(of_findings) & set(names):
        yield "give either 'label' or a column for each finding, not both"
    for name in names:
        if name not in wanted and (near := get_close_matches(name, ABOUT, 1, 0.8)):
            yield f"the column {name!r} is unknown. Did you mean {near[0]!r}?"


def _too_many_groups(rows: Sequence[Label]) -> Iterator[str]:
    for column, values in (("source", {row.source for row in rows}), ("view", {row.view for row in rows})):
        if len(values) > GROUPS_MAX:
            yield f"the column {column!r} has {len(values)} different values, more than {GROUPS_MAX}"


def _meant(names: Sequence[str], wanted: Sequence[str]) -> str:
    near = [(name, close[0]) for name in names if (close := get_close_matches(name, wanted, 1, 0.7))]
    return f". Is {near[0][0]!r} meant to be {near[0][1]!r}?" if near else ""


def _read_row(line: int, row: Mapping[str, str], findings: Sequence[str]) -> tuple[Label, list[str]]:
    problems: list[str] = []
    label = Label(
        line=line,
        file=_file(row.get("file", ""), problems),
        sop_instance_uid=_uid(row.get("sop_instance_uid", ""), problems),
        truth=_truth(row, findings, problems),
        patient=row.get("patient_id", ""),
        source=row.get("source", ""),
        view=_view(row.get("view", ""), problems),
        sex=_one_of("sex", row.get("sex", ""), SEXES, problems),
        age_years=_age(row.get("age", ""), problems),
    )
    if not row.get("file") and not row.get("sop_instance_uid"):
        problems.append("neither a file nor a sop_instance_uid")
    return label, problems


def _truth(row: Mapping[str, str], findings: Sequence[str], problems: list[str]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for finding in findings:
        written = row.get(finding.casefold(), "").casefold()
        if written in PRESENT | ABSENT:
            found[finding] = written in PRESENT
        elif written not in NO_ANSWER:
            problems.append(f"{finding}: {_quoted(written)} is neither 1 nor 0")
    written = row.get("label", "").casefold()
    if written in NO_ANSWER:
        return found
    if written in NOTHING_FOUND:
        return dict.fromkeys(findings, False)
    if len(findings) == 1 and written in PRESENT | ABSENT:
        return {findings[0]: written in PRESENT}
    named = [name.strip() for name in written.split("+")]
    names = {finding.casefold(): finding for finding in findings}
    for stranger in dict.fromkeys(name for name in named if name not in names):
        problems.append(f"label: {_quoted(stranger)} is not one of {', '.join([*findings, 'normal'])}")
    return {finding: folded in named for folded, finding in names.items()}


def _file(written: str, problems: list[str]) -> str:
    path = PurePosixPath(written.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", written):
        problems.append(f"file: {_quoted(written)} is not a path inside the folder")
    return "" if not written else str(path)


def _uid(written: str, problems: list[str]) -> str:
    if written and not re.fullmatch(r"[0-9.]{1,64}", written):
        problems.append(f"sop_instance_uid: {_quoted(written)} is no UID")
    return written


def _view(written: str, problems: list[str]) -> str:
    view = written.upper()
    if not re.fullmatch(r"[A-Z0-9 _-]{0,16}", view):
        problems.append(f"view: {_quoted(written)} is no view such as PA or AP")
    return view


def _one_of(column: str, written: str, known: Mapping[str, str], problems: list[str]) -> str:
    if written.casefold() not in known:
        problems.append(f"{column}: {_quoted(written)} is not one of {', '.join(name for name in known if name)}")
    return known.get(written.casefold(), "")


def _age(written: str, problems: list[str]) -> float | None:
    """Years as a number, or an age as DICOM writes it (045Y, 018M)."""
    if not written:
        return None
    stated = re.fullmatch(r"(\d{1,3}(?:[.,]\d+)?)([DWMY]?)", written.upper())
    years = float(stated[1].replace(",", ".")) * YEARS_PER_UNIT[stated[2]] if stated else -1.0
    if not 0 <= years <= YEARS_MAX:
        problems.append(f"age: {_quoted(written)} is no age in years")
        return None
    return years


def _quoted(written: str) -> str:
    return repr(written if len(written) <= CHARACTERS_SHOWN_MAX else written[:CHARACTERS_SHOWN_MAX] + "...")
