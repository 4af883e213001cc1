"""Errors of the node. Each has a code, says whether trying again can help, and maps to DIMSE status and exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends."""

    DONE = 0
    FAILED = 1
    USAGE = 2  # called with what does not exist, or with a configuration that cannot be used
    DECLINED = 3  # every image was declined
    NOTHING_FOUND = 4  # well asked, and there is nothing of that kind


class HilumError(Exception):
    """`code` is what log, ledger and console show; `retry` says whether the same step may succeed later.
    `further_lines` stand below the message on a terminal."""

    further_lines: tuple[str, ...] = ()
    code = "hilum-error"
    retry = False
    dimse_status = 0xA700
    exit_code = ExitCode.FAILED


class ConfigurationError(HilumError):
    """The configuration cannot be used; the message lists every problem with file, line and column."""

    code = "configuration"
    exit_code = ExitCode.USAGE


class UsageError(HilumError):
    """A command was called with something that does not exist."""

    code = "usage"
    exit_code = ExitCode.USAGE


class NothingFound(HilumError):
    """What was asked for is not there: no study, job or device of that name."""

    code = "nothing-found"
    exit_code = ExitCode.NOTHING_FOUND


class Removed(UsageError):
    """The file of an image or a result was removed when its days were over, or to make room on the disk."""

    code = "removed"


class StudyBusy(HilumError):
    """Something of the study is being worked on, or came just now: ask again in a moment."""

    code = "study-busy"
    retry = True


class OutOfResources(HilumError):
    """No room or no working storage: the sender must keep the object and try again (PS3.7 C.4.1.1, A7xx)."""

    code = "out-of-resources"
    retry = True
    dimse_status = 0xA700


class PictureFailed(HilumError):
    """A picture for a page could not be made. `reason_code` is that of the process that tried: crashed, timeout, or
    what it says itself."""

    code = "picture-failed"

    def __init__(self, reason_code: str, reason: str) -> None:
        super().__init__(reason)
        self.reason_code = reason_code


class DataSetMismatch(HilumError):
    """The data set is not the object that the C-STORE command announced."""

    code = "dataset-mismatch"
    dimse_status = 0xA900


class CannotUnderstand(HilumError):
    """Bytes of the data set are missing, or no identity can be found in it."""

    code = "cannot-understand"
    dimse_status = 0xC000


class ClassNotOfContext(HilumError):
    """The SOP class of the command is not that of the presentation context."""

    code = "class-not-of-context"
    dimse_status = 0x0122


class SyntaxNotTaken(HilumError):
    """An object came by HTTP in a transfer syntax that no association would have accepted (PS3.18 Table I.2-2)."""

    code = "syntax-not-taken"
    dimse_status = 0xC122


class NotAuthorised(HilumError):
    """The configuration does not let this AE title store (PS3.7 C.5.16)."""

    code = "not-authorised"
    dimse_status = 0x0124


class InvalidInstance(HilumError):
    """The SOP Instance UID holds something other than digits and dots, or more than 64 of them."""

    code = "invalid-instance"
    dimse_status = 0x0117


class DuplicateInstance(HilumError):
    """This SOP Instance UID was received with other content, and the configuration refuses changed objects."""

    code = "duplicate-instance"
    dimse_status = 0x0111


class ModelUnusable(HilumError):
    """A model package is missing, altered, or does not reproduce its reference outputs."""

    code = "model-unusable"


class ModelMissing(ModelUnusable):
    """No model package has this name and version."""

    code = "model-missing"
    exit_code = ExitCode.USAGE


class DecodeFailed(HilumError):
    """Decoding one image exceeded its limits or crashed its process; the image is quarantined."""

    code = "decode-failed"


class DecodeCrashed(DecodeFailed):
    """The decoding process died on this image, in a second process too."""

    code = "decode-crashed"


class DecodeTimedOut(DecodeFailed):
    """Decoding took longer than inference.decode_timeout_s."""

    code = "decode-timeout"


class DecodeOutOfMemory(DecodeFailed):
    """Decoding needed more memory than inference.decode_memory_bytes_max."""

    code = "decode-memory"


class DecodeOutOfCpu(DecodeFailed):
    """Decoding needed more CPU time than inference.decode_cpu_s_max."""

    code = "decode-cpu"


class InferenceFailed(HilumError):
    """The model could not be run on this image (runtime error, no answer in time)."""

    code = "inference-failed"
    retry = True


class InvalidScore(InferenceFailed):
    """The model's output is no probability (NaN, infinite, outside 0 to 1): there is no result to report."""

    code = "invalid-score"
    retry = False


class DeliveryFailed(HilumError):
    """A result did not reach its destination; the delivery is tried again."""

    code = "delivery-failed"
    retry = True


class DeliveryRefused(HilumError):
    """The destination refused a result for good (status 0xA9xx, 0xCxxx, 0x0122): a dead letter."""

    code = "delivery-refused"


class LedgerDamaged(HilumError):
    """SQLite finds the file of the ledger damaged: a backup is restored, or the ledger made anew."""

    code = "ledger-damaged"

    def __init__(self, name: str, found: str) -> None:
        super().__init__(f"{name}: the ledger is damaged: {found}")
        self.further_lines = ("    Restore a backup, or stop the node and make a new ledger with 'hilum rebuild'.",)


class BackupFailed(HilumError):
    """A backup was not finished; what was whole there before still is, unless the message says otherwise."""

    code = "backup-failed"
    retry = True


class BackupUnusable(HilumError):
    """A backup is not whole, or not of a release that this one can read: nothing is restored from it."""

    code = "backup-unusable"
