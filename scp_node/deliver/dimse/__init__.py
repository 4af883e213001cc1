"""Destinations that are remote AEs: results go there by C-STORE, over an association that is kept open (PS3.4 B)."""

from scp_node.deliver.dimse.probing import probe
from scp_node.deliver.dimse.storage import accepts, send

__all__ = ["accepts", "probe", "send"]
