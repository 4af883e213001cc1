"""The list of checks, in the order in which they are shown, and who goes through which of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from scp_node.checks.blobs import object_store, shared_spool
from scp_node.checks.data_folder import data_folder, disk
from scp_node.checks.decoding import decode_sandbox
from scp_node.checks.destinations import destinations
from scp_node.checks.disk_forecast import disk_forecast
from scp_node.checks.hosts import hosts
from scp_node.checks.ledger import ledger_file, ledger_server
from scp_node.checks.machine import clock, limits, user
from scp_node.checks.models import model_packages, models_run
from scp_node.checks.result import CheckedNode, CheckResult, problem
from scp_node.checks.routes import exposure, routes, senders
from scp_node.checks.running_node import ports, running_node
from scp_node.checks.tls_files import tls_files, web_tls_files
from scp_node.errors import HilumError
from scp_node.settings.file import SettingsFile
from scp_node.settings.strict_yaml import Loc, Problem


class Asker(IntEnum):
    """Who asks. Each goes through the checks of those before it, too."""

    CHECK_CONFIG = 0  # what files and kernel tell; serve begins with these, and a reload is refused by them
    SERVE = 1  # what the supervisor asks when it holds the data folder
    DOCTOR = 2


@dataclass(frozen=True)
class Check:
    """`look` yields what it finds, at least one result. `needs`: settings without which nothing of it can be told; what
    else is wrong with the file does not matter."""

    name: str
    look: Callable[[CheckedNode], Iterable[CheckResult]]
    asker: Asker
    needs: tuple[Loc, ...] = ()


DATA_DIR: Loc = ("node", "data_dir")
TLS: tuple[Loc, ...] = tuple(("tls", key) for key in ("profile", "certificate", "key", "key_passphrase", "ca"))

CHECKS: tuple[Check, ...] = (
    Check("user", user, Asker.DOCTOR),
    Check("clock", clock, Asker.DOCTOR),
    Check("limits", limits, Asker.DOCTOR),
    Check("data folder", data_folder, Asker.CHECK_CONFIG, (DATA_DIR,)),
    Check("shared spool", shared_spool, Asker.CHECK_CONFIG, (("storage", "blobs"), ("storage", "spool_dir"))),
    Check("object store", object_store, Asker.DOCTOR),
    Check("disk", disk, Asker.DOCTOR),
    Check("disk forecast", disk_forecast, Asker.DOCTOR),
    Check("running node", running_node, Asker.DOCTOR),
    Check("ports", ports, Asker.SERVE),
    Check("ledger", ledger_file, Asker.CHECK_CONFIG, (DATA_DIR, ("storage", "database_url"))),
    Check("ledger", ledger_server, Asker.DOCTOR),
    Check("hosts", hosts, Asker.DOCTOR),
    Check("tls", tls_files, Asker.CHECK_CONFIG, TLS),
    Check("tls", web_tls_files, Asker.CHECK_CONFIG, (("web", "tls_certificate"), ("web", "tls_key"))),
    Check("exposure", exposure, Asker.CHECK_CONFIG),
    Check("routes", routes, Asker.CHECK_CONFIG),
    Check("senders", senders, Asker.CHECK_CONFIG),
    Check("model packages", model_packages, Asker.CHECK_CONFIG, (DATA_DIR, ("inference", "models_dir"))),
    Check("models run", models_run, Asker.DOCTOR),
    Check("decode sandbox", decode_sandbox, Asker.CHECK_CONFIG),
    Check("destinations", destinations, Asker.DOCTOR),
)


def looked_at(node: CheckedNode, asker: Asker, *, alone: bool = False) -> Iterator[tuple[Check, CheckResult]]:
    """What the checks of `asker` find, and unless it is asked `alone` those of the askers before it."""
    for check in CHECKS:
        if check.asker == asker or (check.asker < asker and not alone):
            for result in _found(check, node):
                yield check, result


def looked_at_in_part(file: SettingsFile, roles: Sequence[str]) -> Iterator[tuple[Check, CheckResult]]:
    """What else would keep a node from starting with a file that has problems, as far as it can be told: nothing that
    is only due to a stand-in."""
    if file.stood_in is None:
        return
    node = CheckedNode(file.stood_in, tuple(roles))
    for check in CHECKS:
        if check.asker == Asker.CHECK_CONFIG and not any(map(file.has_stand_in, check.needs)):
            for result in _found(check, node):
                if result.stops and not file.is_stand_in(result.loc):
                    yield check, result


def obstacles(file: SettingsFile, found: Iterable[tuple[Check, CheckResult]]) -> list[Problem]:
    """Why a node does not start, each at its place in the file."""
    return [file.problem(result.loc, result.fact, result.remedy) for _, result in found if result.stops]


def _found(check: Check, node: CheckedNode) -> Iterator[CheckResult]:
    """A check that meets an error says so and ends; the others go on."""
    try:
        yield from check.look(node)
    except (OSError, HilumError) as error:
        what = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
        yield problem(f"cannot be looked at: {what}", "Give this command as the user of the node, or as root.")
