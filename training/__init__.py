"""From labelled radiographs to a model package: cohorts, training, calibration, export, evaluation, card."""

import os

# ONNX Runtime reports model names and run times to its maker unless told so before it is first imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# Export needs TensorFlow. Everything else runs on another backend too, where one is named before.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
