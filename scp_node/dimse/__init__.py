"""DIMSE as bytes: command sets, requests and their answers, UIDs, the data sets of storage commitment (PS3.7)."""
