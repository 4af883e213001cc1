"""The analysis as one writes it with pydicom and highdicom by their documentation: one image in, SR and heat map out.

Both peers that analyse run this file, one of them inside Orthanc's own Python: it must import nothing of Hilum.
The same ONNX file, the same preprocessing and a heat map of the same size as Hilum's.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import highdicom as hd
import numpy as np
import onnxruntime
import yaml
from highdicom.sr.coding import CodedConcept
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_windowing
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

HEATMAP_SIDE_MAX = 1536
IMAGE_CLASSES = ("1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1")
_EQUIPMENT: dict[str, Any] = {
    "manufacturer": "Bench",
    "manufacturer_model_name": "Straightforward",
    "software_versions": "1",
    "device_serial_number": "1",
}


class Analysis:
    """One model, warm. `results` of an image are its Structured Report and its heat map."""

    def __init__(self, package: Path) -> None:
        self._manifest: dict[str, Any] = yaml.safe_load((package / "manifest.yaml").read_text(encoding="utf-8"))
        self._session = onnxruntime.InferenceSession(str(package / "model.onnx"), providers=["CPUExecutionProvider"])

    def results(self, ds: Dataset) -> tuple[Dataset, Dataset]:
        gray = _gray(ds)
        spec = self._manifest["input"]
        names = list(self._manifest["outputs"].values())
        probability, cam = self._session.run(names, {spec["name"]: _model_input(gray, spec)[None, None]})
        heatmap = self._heatmap(ds, gray, cam[0, 0], float(probability[0, 0]))
        return self._report(ds, heatmap, float(probability[0, 0])), heatmap

    def _heatmap(self, ds: Dataset, gray: np.ndarray, cam: np.ndarray, probability: float) -> Dataset:
        scale = min(1.0, HEATMAP_SIDE_MAX / max(gray.shape))
        size = (round(gray.shape[1] * scale), round(gray.shape[0] * scale))
        base = cv2.cvtColor(
            (255 * cv2.resize(gray, size, interpolation=cv2.INTER_AREA)).astype(np.uint8), cv2.COLOR_GRAY2RGB
        )
        attention = np.clip(255 * cv2.resize(cam, size) / max(4.0, float(cam.max())), 0, 255).astype(np.uint8)
        colours = cv2.cvtColor(cv2.applyColorMap(attention, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
        picture = cv2.addWeighted(base, 0.6, colours, 0.4, 0)
        text = f"{self._finding['name']} {100 * probability:.1f} % - research use only"
        cv2.putText(picture, text, (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
        return hd.sc.SCImage.from_ref_dataset(
            ds,
            pixel_array=picture,
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system=hd.CoordinateSystemNames.PATIENT,
            patient_orientation=("L", "F"),
            series_instance_uid=generate_uid(),
            series_number=9002,
            sop_instance_uid=generate_uid(),
            instance_number=1,
            manufacturer=_EQUIPMENT["manufacturer"],
        )

    def _report(self, ds: Dataset, heatmap: Dataset, probability: float) -> Dataset:
        whole = np.array([[0, 0], [ds.Columns, 0], [ds.Columns, ds.Rows], [0, ds.Rows], [0, 0]])
        region = hd.sr.ImageRegion(
            graphic_type=hd.sr.GraphicTypeValues.POLYLINE,
            graphic_data=whole,
            source_image=hd.sr.SourceImageForRegion.from_source_image(ds),
        )
        concept = self._finding["concept"]
        finding = CodedConcept(concept["value"], concept["scheme"], concept["meaning"])
        group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=hd.sr.TrackingIdentifier(uid=generate_uid(), identifier=self._finding["name"]),
            referenced_region=region,
            finding_type=finding,
            algorithm_id=hd.sr.AlgorithmIdentification(self._manifest["title"], self._manifest["version"]),
            measurements=[
                hd.sr.Measurement(
                    name=CodedConcept("2339001", "SCT", "Probability"),
                    value=round(100 * probability, 2),
                    unit=codes.UCUM.Percent,
                )
            ],
        )
        device = hd.sr.ObserverContext(
            observer_type=codes.DCM.Device,
            observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(uid=generate_uid()),
        )
        content = hd.sr.MeasurementReport(
            observation_context=hd.sr.ObservationContext(observer_device_context=device),
            procedure_reported=CodedConcept("363679005", "SCT", "Imaging procedure"),
            imaging_measurements=[group],
            title=codes.DCM.ImagingMeasurementReport,
            referenced_images=[ds],
        )
        return hd.sr.Comprehensive3DSR(
            evidence=[ds, heatmap],
            content=content,
            series_instance_uid=generate_uid(),
            series_number=9001,
            sop_instance_uid=generate_uid(),
            instance_number=1,
            institution_name="Bench",
            record_evidence=False,
            **_EQUIPMENT,
        )

    @property
    def _finding(self) -> dict[str, Any]:
        found: dict[str, Any] = self._manifest["findings"][0]
        return found


def read(data: bytes) -> Dataset:
    """A Part 10 file in memory as a data set."""
    return dcmread(io.BytesIO(data))


def written(ds: Dataset) -> bytes:
    """A data set as a Part 10 file in memory."""
    file = io.BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _gray(ds: Dataset) -> np.ndarray:
    """Gray values 0..1 as displayed (PS3.4 N.2): modality LUT, window, polarity."""
    values = apply_windowing(apply_modality_lut(ds.pixel_array, ds), ds)
    gray = (values - values.min()) / np.float64(max(np.ptp(values), 1))
    shown: np.ndarray = 1 - gray if ds.PhotometricInterpretation == "MONOCHROME1" else gray
    return shown.astype(np.float32)


def _model_input(gray: np.ndarray, spec: dict[str, Any]) -> np.ndarray:
    small = cv2.resize(gray, (spec["width"], spec["height"]), interpolation=cv2.INTER_AREA)
    rule = spec["normalisation"]
    rows, columns = (round(side * rule["margin"]) for side in small.shape)
    centre = small[rows : small.shape[0] - rows, columns : small.shape[1] - columns]
    standardised = (small - centre.mean()) / (centre.std() + rule["epsilon"])
    clipped: np.ndarray = np.clip(standardised, -rule["clip"], rule["clip"])
    return clipped.astype(np.float32)
