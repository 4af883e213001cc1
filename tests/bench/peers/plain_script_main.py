"""A plain script: pynetdicom receives, the handler analyses with highdicom and sends the results, then answers.

python -m tests.bench.peers.plain_script_main PORT ARCHIVE_PORT ARCHIVE_AE_TITLE MODEL_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from pydicom.uid import Comprehensive3DSRStorage, SecondaryCaptureImageStorage
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, evt
from pynetdicom.events import Event

from tests.bench.peers.straightforward import IMAGE_CLASSES, Analysis


def main(port: int, archive_port: int, archive_ae_title: str, package: Path) -> None:
    analysis = Analysis(package)
    sender = AE(ae_title="SCRIPT")
    for sop_class in (Comprehensive3DSRStorage, SecondaryCaptureImageStorage):
        sender.add_requested_context(sop_class)

    def store(event: Event) -> int:
        ds = event.dataset
        ds.file_meta = event.file_meta
        results = analysis.results(ds)
        assoc = sender.associate("127.0.0.1", archive_port, ae_title=archive_ae_title)
        if not assoc.is_established:
            return 0xA700
        for result in results:
            assoc.send_c_store(result)
        assoc.release()
        return 0x0000

    receiver = AE(ae_title="SCRIPT")
    for image_class in IMAGE_CLASSES:
        receiver.add_supported_context(image_class, ALL_TRANSFER_SYNTAXES)
    receiver.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, store)])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
