"""A label file is read as hospitals write it, and every row that is wrong is told by its line."""

from __future__ import annotations

import pytest

from converter.evaluation import labels
from converter.evaluation.labels import Label, read_labels

ONE, TWO = ("pneumonia",), ("effusion", "pneumonia")


def test_a_plain_file_of_one_finding() -> None:
    found = read_labels("file,label\na.png,1\nb/c.dcm,normal\nd.png,\n", ONE)
    assert found.problems == ()
    assert found.rows == (
        Label(2, "a.png", "", {"pneumonia": True}),
        Label(3, "b/c.dcm", "", {"pneumonia": False}),
        Label(4, "d.png", "", {}),
    )


def test_everything_a_row_can_say() -> None:
    text = "\ufeffSOP_Instance_UID;Pneumonia;patient_id;source;view;sex;age\r\n1.2.3;yes;p 1;ward 3;pa;female;045Y\r\n"
    (row,) = read_labels(text, ONE).rows
    assert row == Label(2, "", "1.2.3", {"pneumonia": True}, "p 1", "ward 3", "PA", "F", 45)


@pytest.mark.parametrize("age, years", [("7", 7), ("7.5", 7.5), ("7,5", 7.5), ("018M", 1.5), ("0", 0), ("", None)])
def test_ages(age: str, years: float | None) -> None:
    (row,) = read_labels(f"file;label;age\na.png;1;{age}\n", ONE).rows
    assert row.age_years == years


def test_a_table_that_holds_gaps_writes_its_labels_as_decimals() -> None:
    rows = read_labels("file,pneumonia\na.png,1.0\nb.png,0.0\nc.png,nan\n", ONE).rows
    assert [dict(row.truth) for row in rows] == [{"pneumonia": True}, {"pneumonia": False}, {}]


@pytest.mark.parametrize("column", ["source", "view"])
def test_a_column_that_differs_from_row_to_row_makes_no_groups(column: str) -> None:
    text = f"file,label,{column}\n" + "".join(f"{n}.png,1,V{n}\n" for n in range(labels.GROUPS_MAX + 1))
    assert read_labels(text, ONE).problems == (f"1: the column '{column}' has 51 different values, more than 50",)
    assert read_labels(text.replace("V50", "V49"), ONE).problems == ()


def test_several_findings_have_a_column_each_or_are_named_in_one() -> None:
    columns = read_labels("file,pneumonia,EFFUSION\na.png,1,0\nb.png,?,1\n", TWO)
    assert [dict(row.truth) for row in columns.rows] == [{"effusion": False, "pneumonia": True}, {"effusion": True}]
    named = read_labels("file,label\na.png,pneumonia + effusion\nb.png,Effusion\nc.png,No finding\n", TWO)
    assert [dict(row.truth) for row in named.rows] == [
        {"effusion": True, "pneumonia": True},
        {"effusion": True, "pneumonia": False},
        {"effusion": False, "pneumonia": False},
    ]


def test_every_wrong_row_is_told_by_its_line() -> None:
    text = (
        "file,label,view,sex,age,sop_instance_uid\n"
        "a.png,perhaps,PA,F,40,\n"
        "/etc/passwd,1,PA,F,40,\n"
        "../b.png,1,PA,F,40,\n"
        "c.png,1,P/A,x,old,\n"
        ",1,PA,F,40,\n"
        "d.png,1\n"
        "e.png,1,PA,F,40,1.2.x\n"
        "f.png,1,PA,F,40,\n"
        "f.png,0,PA,F,40,\n"
    )
    assert read_labels(text, ONE).problems == (
        "2: label: 'perhaps' is not one of pneumonia, normal",
        "3: file: '/etc/passwd' is not a path inside the folder",
        "4: file: '../b.png' is not a path inside the folder",
        "5: view: 'P/A' is no view such as PA or AP",
        "5: sex: 'x' is not one of m, male, f, female, o, other",
        "5: age: 'old' is no age in years",
        "6: neither a file nor a sop_instance_uid",
        "7: 2 values, the header has 6 columns",
        "8: sop_instance_uid: '1.2.x' is no UID",
        "10: the same image as in line 9",
    )


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "1: the file is empty"),
        ("file,label\n", "1: no row below the header"),
        ("name,label\na,1\n", "1: no column 'file' or 'sop_instance_uid'"),
        ("flie,label\na,1\n", "1: no column 'file' or 'sop_instance_uid'. Is 'flie' meant to be 'file'?"),
        (
            "file,pnuemonia\na,1\n",
            "1: no column 'label' and none of 'pneumonia'. Is 'pnuemonia' meant to be 'pneumonia'?",
        ),
        ("file,label,pneumonia\na,1,1\n", "1: give either 'label' or a column for each finding, not both"),
        ("file,file,label\na,a,1\n", "1: the column 'file' is there twice"),
        ("file,label,pateint_id\na,1,x\n", "1: the column 'pateint_id' is unknown. Did you mean 'patient_id'?"),
        ('file,label\n"a.png,1\n', "2: not readable as CSV: unexpected end of data"),
    ],
)
def test_a_file_that_is_no_label_file(text: str, problem: str) -> None:
    found = read_labels(text, ONE)
    assert found.problems == (problem,) and found.rows == ()


def test_columns_of_the_hospital_are_left_alone_and_named() -> None:
    assert read_labels("file,label,radiologist\na.png,1,x\n", ONE).ignored == ("radiologist",)


def test_a_file_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "ROWS_MAX", 3)
    assert read_labels("file,label\n" + "".join(f"{n}.png,1\n" for n in range(3)), ONE).problems == ()
    assert read_labels("file,label\n" + "".join(f"{n}.png,1\n" for n in range(4)), ONE).problems == (
        "5: more than 3 rows",
    )


def test_a_long_value_is_cut_in_the_message() -> None:
    (problem,) = read_labels(f"file,label\na.png,{'x' * 500}\n", ONE).problems
    assert len(problem) < 120
