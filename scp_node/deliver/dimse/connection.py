"""One connection that carries PDUs (PS3.8 9.3)."""

from __future__ import annotations

from scp_node.deliver.connection import OutgoingConnection
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse.pdus import PDU_HEADER

PDU_BYTES_MAX = 1 << 20


class PduConnection(OutgoingConnection):
    """An open connection to host:port. Raises PeerFault, with the reason as code, from the constructor on."""

    def read_pdu(self, deadline: float, timeout_code: str) -> tuple[int, bytes]:
        """Type and whole bytes of the next PDU; `deadline` is on the monotonic clock, `timeout_code` a fault."""
        header = self.read_exactly(PDU_HEADER.size, deadline, timeout_code)
        pdu_type, length = PDU_HEADER.unpack(header)
        if length > PDU_BYTES_MAX:
            raise PeerFault("protocol-error", f"a PDU of {length} bytes")
        return pdu_type, header + self.read_exactly(length, deadline, timeout_code)
