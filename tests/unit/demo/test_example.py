"""The radiograph of the demonstration is written as a file that any reader opens."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread

from converter.phantom.radiograph import example_radiograph
from scp_node.demo.example import write_example


def test_the_example_is_a_part_10_file_in_a_folder_made_for_it(tmp_path: Path) -> None:
    path = write_example(tmp_path / "sent" / "example.dcm")
    read, made = dcmread(path), example_radiograph()
    assert read.file_meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID
    assert read.PixelData == made.PixelData
