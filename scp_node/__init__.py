"""The service: receives radiographs, has them analysed, delivers the results."""

import os

import converter  # noqa: F401 - before anything imports pydicom: it says what pydicom may not load

# ONNX Runtime from 1.29 on reports model names and run times to its maker unless told so before it is first imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
