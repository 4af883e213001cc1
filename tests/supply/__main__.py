"""Makes the bill of materials and the notices from requirements.lock: `make sbom`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tests.supply import BILL, NOTICES
from tests.supply.bill import bill
from tests.supply.lock import PRODUCTION, locked
from tests.supply.notices import notices
from tests.supply.wheels import fetched


def main() -> None:
    time_s = int(os.environ["SOURCE_DATE_EPOCH"])
    with tempfile.TemporaryDirectory() as folder:
        wheels = list(fetched(locked(PRODUCTION), Path(folder)))
        for path, text in ((BILL, bill(wheels, time_s)), (NOTICES, notices(wheels))):
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.name}, of {len(wheels)} distributions")


if __name__ == "__main__":
    main()
