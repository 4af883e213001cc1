"""Sections storage, inference, report, delivery, workers, drift and logging: how the work is done."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from converter.words.catalogue import Language
from scp_node.settings.postgresql import Postgresql
from scp_node.settings.s3 import S3
from scp_node.settings.section import Bytes, Folder, Seconds, Section


class Storage(Section):
    """Where and how received images and the ledger are kept."""

    database_url: str | None = Field(
        None,
        pattern=r"^(sqlite|postgresql)(\+\w+)?://",
        repr=False,
        description="SQLAlchemy URL of the ledger, for SQLite or PostgreSQL; null = SQLite under data_dir.",
        json_schema_extra={"env": True, "rule": "a URL that begins with sqlite:/// or postgresql+psycopg://"},
    )
    postgresql: Postgresql = Field(
        default_factory=lambda: Postgresql(), description="Connections and time-outs where database_url is PostgreSQL."
    )
    blobs: Literal["local", "shared", "s3"] = Field(
        "local",
        description="Where the bytes of images and results are kept: local = files on a disk of this machine; shared = "
        "files in spool_dir, which every machine of the node has mounted; s3 = objects in an object store. A change "
        "holds from the next start, and moves nothing.",
    )
    spool_dir: Folder | None = Field(
        None, description="Folder of these files, where it is not `spool` in `node.data_dir`; not for s3."
    )
    s3: S3 = Field(default_factory=lambda: S3(), description="The object store, where blobs is s3.")
    used_percent_max: float = Field(85, gt=0, le=100, description="New images are refused above this disk usage.")
    free_bytes_min: int = Field(5 * 1024**3, ge=0, description="New images are refused below this free space.")
    inodes_free_percent_min: float = Field(
        1, ge=0, le=100, description="New images are refused when fewer of the disk's inodes are free, in percent."
    )
    spool_bytes_max: Bytes | None = Field(
        None, description="New images are refused when the spool holds this many bytes; null = no quota."
    )
    incoming_bytes_max: Bytes = Field(
        4 * 1024**3,
        description="Most bytes of images that are on their way in at one time, all associations together; what would "
        "be more is refused with 0xA700, so that the sender tries again.",
    )


GateMode = Literal["refuse", "note", "off"]


class Inference(Section):
    """How models run."""

    providers: list[Literal["cuda", "cpu"]] = Field(
        ["cuda", "cpu"], min_length=1, description="ONNX Runtime providers in order of preference."
    )
    gpu_required: bool = Field(False, description="Refuse to start when no GPU can be used.")
    gate: GateMode = Field(
        "refuse",
        description="What becomes of an image that a model's input gate takes for no frontal chest radiograph: it is "
        "refused with a coded reason, or analysed with a note in the report, or analysed as if there were no gate. "
        "So it goes with a film that shows a part of the lungs only, where the model outlines them.",
    )
    models_dir: Folder | None = Field(
        None,
        description="Folder of model packages of your own, relative to the folder of this file; null = `models` in "
        "`node.data_dir`. The shipped packages stay available beside them.",
    )
    threads: int = Field(0, ge=0, le=256, description="CPU threads of one model session; 0 = one less than the cores.")
    batch_size_max: int = Field(16, ge=1, le=256, description="Most images in one inference batch (GPU only).")
    batch_window_s: float = Field(0.005, ge=0, le=1, description="Longest wait for a batch to fill (GPU only).")
    load_timeout_s: Seconds = Field(
        60,
        gt=0,
        description="Time for a model to load and to answer for the first time; one that takes longer is unusable.",
    )
    run_timeout_s: Seconds = Field(
        60,
        gt=0,
        description="Time for one run of a model over a batch; one that takes longer is ended, and tried again.",
    )
    decode_processes: int = Field(0, ge=0, le=64, description="Child processes that decode pixels; 0 = two at most.")
    decode_memory_bytes_max: Bytes = Field(4 * 1024**3, description="Address space of one decoding process.")
    decode_cpu_s_max: Seconds = Field(60, gt=0, description="CPU time for decoding one image.")
    decode_timeout_s: Seconds = Field(120, gt=0, description="Wall-clock time for decoding one image.")
    decode_sandbox: Literal["required", "best-effort"] = Field(
        "best-effort",
        description="Decoding processes give up files, network and other processes by what the kernel has for it "
        "(Landlock, seccomp, no-new-privileges). best-effort: what is missing stands in the log; required: without all "
        "of it the node does not start.",
    )
    pixels_max: int = Field(
        100_000_000, ge=1, description="Largest Rows x Columns x Frames that is decoded; more is quarantined."
    )
    inflated_bytes_max: Bytes = Field(
        536870912, description="Largest size that a deflated data set may inflate to; more is quarantined."
    )


class Report(Section):
    """What the results look like and when they are made."""

    quiet_period_s: Seconds = Field(
        5, description="A study is reported when no image came for this long; 0 = at once after each image."
    )
    sop_class: Literal["comprehensive_3d", "comprehensive"] = Field(
        "comprehensive_3d",
        description="SOP class of the Structured Report. An archive that refuses Comprehensive 3D SR gets "
        "Comprehensive SR in any case.",
    )
    charset: Literal["source", "utf8"] = Field(
        "source", description="Character set of the results: that of the source image, or ISO_IR 192 (UTF-8)."
    )
    language: Language = Field(
        "en",
        description="Language of what is written in heat maps, status cards, presentation states and the PDF report: "
        "en, de or ja. The Structured Report is in English.",
    )
    when_all_declined: Literal["send", "omit"] = Field(
        "send", description="Whether a study of which no image could be analysed gets a report that says so."
    )
    heatmap_side_max: int = Field(
        1536, ge=320, le=4096, description="Longest side of the heat map, caption and legend included, in pixels."
    )
    heatmap_for: Literal["positive", "all"] = Field(
        "positive",
        description="Heat maps of images with a positive finding only, or of every analysed image; one without a "
        "positive finding is then shown with its verdict and without colour.",
    )
    localisation: Literal["contours", "boxes", "none"] = Field(
        "contours",
        description="How results show where a finding is: contours, the boxes round them, or none (triage only, "
        "without heat maps).",
    )


class Delivery(Section):
    """How results travel to their destinations, and when one is sent again."""

    retry_first_s: Seconds = Field(5, gt=0, description="Wait after the first failed attempt.")
    retry_factor: float = Field(2, ge=1, le=10, description="Each wait is this many times the one before.")
    retry_max_s: Seconds = Field(600, gt=0, description="Longest wait between two attempts.")
    retry_jitter: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Part of each wait that is drawn by lot, so that not all results are sent again at one moment.",
    )
    give_up_after_h: float = Field(72, gt=0, le=8760, description="After this long a delivery becomes a dead letter.")
    attempts_max: int = Field(
        100_000,
        ge=1,
        le=1_000_000,
        description="Attempts after which a delivery that ends unexpectedly is a dead letter, however short the waits: "
        "a stop for a runaway. What an archive refuses or does not answer is given up by give_up_after_h.",
    )
    connect_timeout_s: Seconds = Field(10, gt=0, description="Time to reach a destination and open an association.")
    response_timeout_s: Seconds = Field(60, gt=0, description="Time for a destination to answer a C-STORE.")
    commitment_timeout_s: Seconds = Field(
        3600, gt=0, description="An archive that has not confirmed a result for this long is asked again."
    )
    commitment_requests_max: int = Field(
        3,
        ge=1,
        le=100,
        description="How often an archive is asked to confirm a result; then the result stays sent, with a note.",
    )
    commitment_not_offered_s: Seconds = Field(
        3600,
        gt=0,
        description="An archive that does not offer Storage Commitment is not asked for this long: it may be set up "
        "meanwhile.",
    )
    query_wait_s: Seconds = Field(
        30,
        gt=0,
        description="Wait before an archive is asked for a result by query (verify_by_query): archives list what they "
        "have stored a little later. Each further wait is four times the one before, an hour at most.",
    )
    queries_max: int = Field(
        5,
        ge=1,
        le=100,
        description="How often an archive is asked for a result by query; then one that it does not list is sent "
        "again, and one that it was not asked for stays sent, with a note.",
    )
    uncommitted_retry_s: Seconds = Field(
        60, gt=0, description="Wait before a result is sent again that its archive reports as not kept."
    )
    uncommitted_attempts_max: int = Field(
        3,
        ge=1,
        le=100,
        description="How often a result is sent that its archive reports as not kept; then it is a dead letter.",
    )
    keep_open_s: Seconds = Field(5, description="An association stays open this long for the next result.")


class Workers(Section):
    """How much is worked on at the same time, how often a queue is looked at, and how failed work is tried again."""

    images: int = Field(4, ge=1, le=64, description="Images analysed at the same time by one worker.")
    studies: int = Field(2, ge=1, le=64, description="Reports built at the same time by one worker.")
    deliveries: int = Field(
        4, ge=1, le=64, description="Results sent at the same time to one destination, by all workers."
    )
    stat_ahead_s: Seconds = Field(
        43200,
        description="Work of priority stat goes before routine work that has been due for less long than this; what "
        "has waited longer goes first, so that nothing waits for ever.",
    )
    high_ahead_s: Seconds = Field(7200, description="The same for priority high; not more than stat_ahead_s.")
    low_behind_s: Seconds = Field(
        7200, description="Work of priority low goes behind routine work, until it has waited this much longer."
    )
    poll_s: float = Field(
        1.0,
        ge=0.01,
        le=60,
        description="How often the queues are looked at. On one machine new work wakes the worker at once; this is for "
        "work that comes from elsewhere.",
    )
    niceness: int = Field(
        5,
        ge=0,
        le=19,
        description="How far workers and decoding processes step back behind the receiver, which runs at 0, so that "
        "a node busy with pixels still takes images in. Holds from the next start.",
    )
    attempts_max: int = Field(
        5,
        ge=1,
        le=100,
        description="Attempts at an image or report before it is a dead letter. Also how often the worker may die "
        "during a job.",
    )
    retry_first_s: Seconds = Field(3, gt=0, description="Wait after the first failed attempt at an image or report.")
    retry_factor: float = Field(3, ge=1, le=10, description="Each wait is this many times the one before.")
    retry_max_s: Seconds = Field(300, gt=0, description="Longest wait between two attempts.")
    retry_jitter: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Part of each wait that is drawn by lot, so that what failed together is not tried again together.",
    )
    give_up_after_h: float = Field(
        72,
        gt=0,
        le=8760,
        description="While the machine fails (disk full, no database, a model package that cannot be used), images and "
        "reports wait this long, however many attempts that takes.",
    )
    lease_s: float = Field(
        30,
        ge=1,
        le=3600,
        description="The jobs of a worker that gives no sign for this long are taken over by another.",
    )
    queue_retry_s: Seconds = Field(1, gt=0, description="Wait after the queues could not be read.")
    restart_first_s: Seconds = Field(0.2, gt=0, description="Wait before a process that died is started again.")
    restart_factor: float = Field(2, ge=1, le=10, description="Each wait is this many times the one before.")
    restart_max_s: Seconds = Field(30, gt=0, description="Longest wait before a process is started again.")
    restart_reset_s: Seconds = Field(
        60, gt=0, description="After a process has lived this long, the wait is restart_first_s again."
    )
    reconcile_s: Seconds = Field(60, gt=0, description="How often studies without a report are looked for.")
    drain_s: Seconds = Field(25, description="Time for running work to end when the node is stopped.")


class Drift(Section):
    """When scores and images count as others than those a model package was validated with."""

    window_days: int = Field(
        7, ge=1, le=90, description="The last days that are compared with the package's own films."
    )
    images_min: int = Field(
        100, ge=10, le=1_000_000, description="With fewer images of a sender in the window nothing is said about it."
    )
    psi_watch_min: float = Field(
        0.1, gt=0, le=10, description="Population stability index, beyond what chance makes, from which one watches."
    )
    psi_alarm_min: float = Field(
        0.25, gt=0, le=10, description="Population stability index, beyond what chance makes, that is an alarm."
    )


class Logging(Section):
    """What the node writes to its log (standard error)."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level written.")
    format: Literal["text", "json"] = Field("text", description="One line of text, or one JSON object, per event.")
