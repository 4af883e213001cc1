"""Licences by their SPDX names where metadata says them in other words, and the texts that wheels lack."""

from __future__ import annotations

from email.message import Message

from tests.support.checkout import CHECKOUT

# What metadata says, and what SPDX calls it.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD-2-Clause": "BSD-2-Clause",
    "BSD-3-Clause": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT": "MIT",
    "MIT License": "MIT",
    "MPL-2.0": "MPL-2.0",
    "PSFL": "PSF-2.0",
}
# Whose metadata says too little; their LICENSE files tell.
OF_DISTRIBUTIONS = {"Jinja2": "BSD-3-Clause"}
# Packages of AlmaLinux whose libraries auditwheel has put into wheels.
OF_PARTS = {
    "libdrm": "MIT",
    "libgfortran": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libgomp": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libquadmath": "LGPL-2.1-or-later",
    "libXau": "MIT-open-group",
    "openblas-threads": "BSD-3-Clause",
    "openssl": "Apache-2.0",
    "openssl-libs": "OpenSSL",
}
_CHARLS = "It contains CharLS, whose licence stands under imagecodecs (LICENSE-charls).\n"
_MIT = """Copyright (c) 2013 Pierre V. Villeneuve

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def licence_of(metadata: Message) -> str:
    """SPDX expression of a distribution. Raises LookupError where its metadata says nothing that SPDX knows."""
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [str(one).rpartition(" :: ")[2] for one in metadata.get_all("Classifier", []) if "License ::" in one]
    for said in (str(metadata.get("License", "")), *classifiers):
        if said in SPDX:
            return SPDX[said]
    if metadata["Name"] in OF_DISTRIBUTIONS:
        return OF_DISTRIBUTIONS[metadata["Name"]]
    raise LookupError(
        f"{metadata['Name']}: no licence in its metadata that SPDX knows; it says {metadata.get('License')!r}, "
        f"{classifiers}\n    Look it up and add it to tests/supply/licences.py."
    )


def texts_that_lack(name: str) -> dict[str, str]:
    """Texts that have to go with a distribution and are not in its wheel, by the heading they get."""
    if name == "flatbuffers":
        return {"Apache-2.0": (CHECKOUT / "LICENSE").read_text(encoding="utf-8")}
    if name == "pyjpegls":
        return {"MIT": _MIT, "CharLS": _CHARLS}
    if name == "python-gdcm":
        return {"OpenSSL": "It contains OpenSSL 1.1.1k, whose licence stands under opencv-python-headless.\n"}
    return {}
