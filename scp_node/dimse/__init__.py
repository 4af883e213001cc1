"""DIMSE as bytes: PDUs, command sets, requests and answers, UIDs, data sets of storage commitment (PS3.7, PS3.8)."""
