"""Systems that take HL7 v2 messages over MLLP: one connection a message, one acknowledgement."""

from scp_node.deliver.hl7.sending import accepts, probe, send

__all__ = ["accepts", "probe", "send"]
