"""From labelled radiographs to a model package: cohorts, training, calibration, export, evaluation, card."""
