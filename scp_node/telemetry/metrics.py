"""Every metric of the node, by the role that counts it. A counter begins at zero when its role is started again, which
Prometheus knows how to read."""

from __future__ import annotations

import math

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]
RECEIVER, WORKER, WEB = CollectorRegistry(), CollectorRegistry(), CollectorRegistry()

# Seconds from the command of a C-STORE to its answer: from a small image on a fast disk to a film over a slow line.
STORE_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# From a step that only looks into a header to a whole job whose archive lets it wait.
WORK_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

associations_open = Gauge("hilum_associations_open", "Associations open now.", registry=RECEIVER)
connections_open = Gauge("hilum_connections_open", "Connections open now, associated or not.", registry=RECEIVER)
connections_dropped = Counter(
    "hilum_connections_dropped_total",
    "Connections closed by the node before an association, by the limit of the receiver that was reached; "
    "'oldest_silent' made room for a newer one.",
    ["limit"],
    registry=RECEIVER,
)
association_rejections = Counter(
    "hilum_association_rejections_total",
    "Association requests rejected, by result/source/reason (PS3.8 Table 9-21).",
    ["reason"],
    registry=RECEIVER,
)
tls_failures = Counter(
    "hilum_tls_failures_total",
    "Connections of senders on which no TLS came about; those that closed without a word are not counted.",
    registry=RECEIVER,
)
instances_stored = Counter(
    "hilum_instances_stored_total", "C-STORE answered with 0x0000, repeats included.", registry=RECEIVER
)
instances_refused = Counter(
    "hilum_instances_refused_total", "C-STORE answered with another status.", ["status"], registry=RECEIVER
)
received_bytes = Counter(
    "hilum_received_bytes_total", "Bytes of data sets received, stored or refused.", registry=RECEIVER
)
store_seconds = Histogram(
    "hilum_store_seconds",
    "From the C-STORE command to its answer 0x0000.",
    buckets=STORE_BUCKETS_S,
    registry=RECEIVER,
)
spool_healthy = Gauge("hilum_spool_healthy", "1 until an fsync of the receiver has failed.", registry=RECEIVER)
spool_free_bytes = Gauge("hilum_spool_free_bytes", "Free space of the spool's disk.", registry=RECEIVER)
spool_disk_bytes = Gauge("hilum_spool_disk_bytes", "Size of the spool's disk.", registry=RECEIVER)
certificate_expiry_seconds = Gauge(
    "hilum_certificate_expiry_seconds", "Time until a TLS certificate expires.", ["certificate"], registry=RECEIVER
)

job_seconds = Histogram(
    "hilum_job_seconds",
    "From the start of an attempt at a job to its end, by kind: image, study, delivery, commitment.",
    ["kind"],
    buckets=WORK_BUCKETS_S,
    registry=WORKER,
)
step_seconds = Histogram(
    "hilum_step_seconds",
    "Time of one step of a job, as `hilum explain` names it: `convert` decodes and renders, `infer` scores.",
    ["step"],
    buckets=WORK_BUCKETS_S,
    registry=WORKER,
)
images_judged = Counter(
    "hilum_images_judged_total",
    "Images that were looked at, by what came of it and the code of the refusal.",
    ["state", "code"],
    registry=WORKER,
)
inference_provider = Gauge(
    "hilum_inference_provider", "1 for the ONNX Runtime provider that the models run on.", ["provider"], registry=WORKER
)
decode_failures = Counter(
    "hilum_decode_failures_total", "Images that could not be decoded or rendered.", ["code"], registry=WORKER
)
decode_sandbox = Gauge(
    "hilum_decode_sandbox",
    "1 for each part of the sandbox that confines decoding processes, 0 for one that this machine lacks.",
    ["part"],
    registry=WORKER,
)
gate_refusals = Counter(
    "hilum_gate_refusals_total",
    "Images that a model's input gate took for something else, by code; `mode`: refused or only noted.",
    ["code", "mode"],
    registry=WORKER,
)
# Labels are bounded: a model has STATIONS_MAX senders and "(others)", see scp_node.ledger.drift_counts.
DRIFT_LABELS = ("model", "ae_title", "station")
drift_index = Gauge(
    "hilum_drift_psi",
    "Population stability index of what has moved most of a sender's scores and images, against the model package's "
    "reference. None for a sender of fewer than drift.images_min images.",
    DRIFT_LABELS,
    registry=WORKER,
)
drift_alarm = Gauge(
    "hilum_drift_alarm",
    "1 where images of a sender are others than those the model was validated with.",
    DRIFT_LABELS,
    registry=WORKER,
)
drift_images = Gauge(
    "hilum_drift_images", "Images of a sender in the window that drift is looked for in.", DRIFT_LABELS, registry=WORKER
)
model_ready = Gauge(
    "hilum_model_ready",
    "1 for each model that is loaded, by the provider it runs on.",
    ["model", "provider"],
    registry=WORKER,
)
delivery_attempts = Counter(
    "hilum_delivery_attempts_total",
    "Attempts to deliver a result, by the state that the delivery had afterwards.",
    ["state"],
    registry=WORKER,
)
delivery_failures = Counter(
    "hilum_delivery_failures_total",
    "Attempts to deliver that an archive has not taken, by code: those of TLS begin with tls-.",
    ["code"],
    registry=WORKER,
)
RETENTION_LABELS = ("what", "reason")
retention_files = Counter(
    "hilum_retention_files_total",
    "Files removed: images, results, or what was left of studies; because their days were over (age), or because the "
    "disk was nearly full (disk).",
    RETENTION_LABELS,
    registry=WORKER,
)
retention_bytes = Counter("hilum_retention_bytes_total", "Bytes of these files.", RETENTION_LABELS, registry=WORKER)
disk_full_in_days = Gauge(
    "hilum_disk_full_in_days",
    "When images will be refused, by what came and went in the last week. +Inf: as much goes as comes.",
    registry=WORKER,
)
disk_full_in_days.set(math.nan)  # until it was foretold
oldest_image_days = Gauge(
    "hilum_oldest_image_days",
    "Days since the first image came of the oldest study whose images are kept.",
    registry=WORKER,
)

role_ready = Gauge("hilum_role_ready", "1 for a role that is up and ready.", ["role"], registry=WEB)
jobs = Gauge("hilum_jobs", "Jobs that are not done, by kind and state.", ["kind", "state"], registry=WEB)
queue_age = Gauge(
    "hilum_queue_age_seconds",
    "How long the oldest job of a queue has been due and not begun; 0 where none is.",
    ["queue"],
    registry=WEB,
)
host_silent_seconds = Gauge(
    "hilum_host_silent_seconds",
    "How long ago a role of a host last said in the ledger that it lives; every host tells of all.",
    ["host_id", "role"],
    registry=WEB,
)
stow_instances = Counter(
    "hilum_stow_instances_total",
    "Instances that came by STOW-RS, by the status of their answer: 0x0000 is stored, repeats included.",
    ["status"],
    registry=WEB,
)
deliveries = Gauge("hilum_deliveries", "Deliveries by state.", ["state"], registry=WEB)


def note_store(status: int, data_set_bytes: int, seconds: float) -> None:
    """A C-STORE was answered."""
    received_bytes.inc(data_set_bytes)
    if status == 0x0000:
        instances_stored.inc()
        store_seconds.observe(seconds)
    else:
        instances_refused.labels(f"0x{status:04X}").inc()
