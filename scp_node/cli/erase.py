"""`hilum erase`: a study or a patient, with every file and every row."""

from __future__ import annotations

from typing import Annotated

import typer

from scp_node.cli.job_choice import YesOption
from scp_node.cli.listing import Listing
from scp_node.cli.moments import local
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, recorded_operator, writing_node
from scp_node.cli.terminal import agreed, say
from scp_node.errors import ExitCode, UsageError
from scp_node.operations.erasure_subject import ErasurePlan, plan_of_patient, plan_of_studies


def erase(
    study: Annotated[list[str] | None, typer.Option(metavar="UID", help="Study Instance UID; may be repeated.")] = None,
    patient: Annotated[str | None, typer.Option(metavar="ID", help="Patient ID: every study of the patient.")] = None,
    issuer: Annotated[str | None, typer.Option(help="Issuer of Patient ID, where several give out the same.")] = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Erase a study or a patient from this node: images, results, previews and all that the ledger knows. The node may
    run meanwhile. What was delivered to others cannot be recalled from here.

    What stays is a record: when, by whom, how much, and nothing of the patient.
    """
    from scp_node.operations.erasure import erase as erase_planned
    from scp_node.storage.opening import open_blobs
    from scp_node.storage.previews import PreviewStore

    if bool(study) == (patient is not None) or (issuer is not None and patient is None):
        raise UsageError("name either --study, or --patient with or without --issuer")
    with writing_node(config) as (settings, ledger):
        with ledger.reading() as tx:
            plan = plan_of_studies(tx, study or ()) if patient is None else plan_of_patient(tx, patient, issuer)
        _show(plan)
        if not yes and not agreed("Erase all of this for good?"):
            say("Nothing was erased.")
            raise typer.Exit(ExitCode.FAILED)
        previews = PreviewStore(settings.node.data_dir / "previews")
        row = erase_planned(ledger, open_blobs(settings), previews, plan, recorded_operator(ledger))
    say(f"Erased. Images: {row.images}, results: {row.results}, files: {row.files}. Record: {row.erasure_id}")
    if row.finished_at is None:
        say("Not all is overwritten yet: a file or the database was in use. The node goes on with it; see its log.")
        raise typer.Exit(ExitCode.FAILED)


def _show(plan: ErasurePlan) -> None:
    table = Listing("study", "first image", "images", "results", "jobs that end")
    for one in plan.studies:
        numbers = (str(one.images), str(one.results), str(one.unfinished))
        table.add(one.study_instance_uid, local(one.first_received_at), *numbers)
    table.show()
    for name in sorted({name for one in plan.studies for name in one.delivered}):
        count = sum(one.delivered.get(name, 0) for one in plan.studies)
        say(f"Results at {name}: {count}. They stay there; erase them at the archive, too.")
    if plan.unknown:
        why = "not analysed yet, or without a header that can be read"
        say(f"Images of which nobody knows whose they are: {plan.unknown} ({why}).")
