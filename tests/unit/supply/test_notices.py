"""The notices hold the licence texts of everything that a production install brings."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.supply import NOTICES
from tests.supply.lock import PRODUCTION, locked
from tests.supply.notices import heading, notices
from tests.unit.supply.made_wheels import made_wheel

KEPT = NOTICES.read_text(encoding="utf-8")
LOCKED = {(entry.name, entry.version) for entry in locked(PRODUCTION)}
INSTALLED = {
    name: one for one in distributions() if ((name := canonicalize_name(one.metadata["Name"])), one.version) in LOCKED
}


def test_every_distribution_of_the_lock_has_a_section_and_nobody_else() -> None:
    """After a change of the lock: make sbom."""
    assert {entry for entry in LOCKED if heading(*entry) not in KEPT} == set()
    assert KEPT.count("\nLicence: ") == len(LOCKED)


@pytest.mark.parametrize("one", INSTALLED.values(), ids=list(INSTALLED))
def test_the_licence_that_is_installed_with_a_distribution_is_in_the_notices(one: Distribution) -> None:
    texts = [file for file in one.files or () if re.search(r"\.dist-info/(licenses/)?LICEN[CS]E[^/]*$", str(file))]
    for file in texts:
        text = Path(str(one.locate_file(file))).read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
        assert text.strip("\n") in KEPT, file


@pytest.mark.parametrize(
    "words",
    [
        "The OpenSSL toolkit stays under a double license",
        "GNU LESSER GENERAL PUBLIC LICENSE",  # FFmpeg, in OpenCV's wheel
        "Pierre V. Villeneuve",
        "--- imagecodecs/licenses/LICENSE-charls",
        "--- onnxruntime/ThirdPartyNotices.txt",
    ],
)
def test_what_wheels_bundle_is_there(words: str) -> None:
    assert words in KEPT


def test_a_text_stands_once_in_a_section_and_code_is_no_text(tmp_path: Path) -> None:
    files = {
        "thing-1.0.dist-info__licenses__LICENSE": "Do what you like.\r\n",
        "thing__LICENSE.txt": "Do what you like.\n",
        "thing__licenses__LICENSE-codec": "But name me.",
        "thing__license.py": "print()",
        "thing.libs__libcodec-1234.so.1": "\x7fELF",
    }
    text = notices([made_wheel(tmp_path, "thing", **files)])
    assert text.count("Do what you like.") == 1 and "But name me." in text and "print()" not in text
    assert "Bundled libraries: libcodec-1234.so.1" in text and "Licence: MIT" in text


def test_a_distribution_without_a_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="thing: its wheel holds no licence text"):
        notices([made_wheel(tmp_path, "thing")])
