"""COVID-19 Image Repository of Hannover Medical School: data.csv (metadata.csv in copies) and png/IMAGE_ID.png.

Every patient had COVID-19, whatever one image shows; with one class it can be learned from beside other cohorts only.
"""

from __future__ import annotations

from pathlib import Path

from training.data.cohorts.cohort import About, Example, WrongLayout
from training.data.cohorts.layout import found_in, is_there, read_table, root_of, without_images

ABOUT = About(
    licence="CC BY 3.0",
    citation="Winther et al.: COVID-19 Image Repository, Hannover Medical School, doi 10.6084/m9.figshare.12275009",
    population="adults with COVID-19, one hospital (Hannover), AP and PA; the label is the patient's, not the image's",
    findings=("pneumonia", "covid-19"),
)
LAYOUT = "data.csv or metadata.csv (patient_id, image_id, sex, age, modality, projection, ...), png/IMAGE_ID.png"
TABLES = ("data.csv", "metadata.csv")
SEXES = {"m": "M", "w": "F", "f": "F"}


def load(folder: Path) -> list[Example]:
    """Every radiograph of the table that is there."""
    root = root_of(folder, "covid-19-image-repository", holds=("png",))
    table = next((root / name for name in TABLES if (root / name).is_file()), None)
    if table is None:
        raise WrongLayout(f"{root}: expected {' or '.join(TABLES)}, found {found_in(root)}")
    rows = read_table(table, ("patient_id", "image_id", "sex", "age", "projection"))
    files = {row["image_id"]: root / "png" / f"{row['image_id']}.png" for row in rows}
    there = {image for image, file in files.items() if is_there(file)}
    without_images(table, [image for image in files if image not in there], len(files))
    return [
        Example(
            path=files[row["image_id"]],
            cohort="hannover",
            label="COVID19",
            findings=frozenset(ABOUT.findings),
            split="",
            patient_id=f"han:{row['patient_id']}",
            view=row["projection"].upper(),
            age_years=float(row["age"]) if row["age"].isdecimal() else None,
            sex=SEXES.get(row["sex"].lower(), ""),
        )
        for row in rows
        if row["image_id"] in there
    ]
