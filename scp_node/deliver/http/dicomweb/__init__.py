"""Archives that are reached by DICOMweb: results go there by STOW-RS (PS3.18 10.5)."""

from scp_node.deliver.http.dicomweb.storing import accepts, probe, send

__all__ = ["accepts", "probe", "send"]
