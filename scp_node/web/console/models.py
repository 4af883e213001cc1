"""The pages Models: which packages there are and what they do here, and of each what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from converter.package.baseline import told_of
from scp_node.errors import HilumError, ModelMissing, ModelUnusable
from scp_node.monitoring.drift import STATES, SenderDrift
from scp_node.queries.gate_refusals import gate_refusals
from scp_node.queries.model_packages import (
    ListedModel,
    list_models,
    model_card,
    model_details,
    model_report,
    model_uses,
)
from scp_node.queries.model_reports import agreement_report, drift_report
from scp_node.settings.places import model_folders, shipped_models_dir
from scp_node.web.access.visitor import Viewer
from scp_node.web.context import context_of
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.drift_chart import drift_chart
from scp_node.web.pages.markdown import render, to_html
from scp_node.web.pages.rendering import page

PATH = "/models"
DAYS = (7, 30, 90)
THUMBNAIL_SIDE = 256

router = APIRouter()


@router.get(PATH)
def models(request: Request, visitor: Viewer) -> HTMLResponse:
    """Every package, and what it does in this node."""
    context = context_of(request)
    settings = context.settings()
    listed = list_models(model_folders(settings), model_uses(settings, context.ledger))
    listed.sort(key=_distance_from_use)
    return page(request, "models.html", models=listed, shipped=str(shipped_models_dir()))


@router.get(f"{PATH}/{{name}}/{{version}}")
def model(request: Request, visitor: Viewer, name: str, version: str, sender: str = "") -> HTMLResponse:
    """One package: card, operating points, drift of one sender, and what its gate refused last."""
    context, label = context_of(request), f"{name}@{version}"
    settings = context.settings()
    folders = model_folders(settings)
    try:
        details = model_details(folders, label, model_uses(settings, context.ledger))
        card = model_card(folders, label)
    except ModelUnusable as error:
        return _not_there(request, error)
    drift = drift_report(context.ledger, settings)
    senders = [one for one in drift.senders if one.model == label]
    with context.ledger.reading() as tx:
        refused = gate_refusals(tx, label)
    return page(
        request,
        "model.html",
        label=label,
        details=details,
        manifest=details.manifest,
        told=list(told_of(details.manifest.metrics)),
        card=render(_without_title(card), (), ""),
        senders=senders,
        chosen=_chosen(senders, sender),
        states=STATES,
        window_days=drift.window_days,
        chart=drift_chart,
        refused=refused,
        side=THUMBNAIL_SIDE,
        days=DAYS,
        is_compared=any(route.shadow for route in settings.routes),
    )


@router.get(f"{PATH}/{{name}}/{{version}}/agreement")
def agreement(request: Request, visitor: Viewer, name: str, version: str, days: int = DAYS[0]) -> HTMLResponse:
    """How far the package agrees with the others that have scored the same images."""
    label, since = f"{name}@{version}", datetime.now(UTC) - timedelta(days=days if days in DAYS else DAYS[0])
    try:
        with context_of(request).ledger.reading() as tx:
            report = agreement_report(tx, since)
    except HilumError as error:
        return _not_there(request, error)
    pairs = [one for one in report.agreements if label in (one.first, one.second)]
    unscored = [one for one in report.unscored if label in (one.first, one.second)]
    return page(request, "model-agreement.html", pairs=pairs, unscored=unscored, since=since)


@router.get(f"{PATH}/{{name}}/{{version}}/report/{{file}}")
def report(request: Request, visitor: Viewer, name: str, version: str, file: str) -> HTMLResponse:
    """A report that came with the package."""
    label = f"{name}@{version}"
    try:
        text = model_report(model_folders(context_of(request).settings()), label, file)
    except ModelUnusable as error:
        return _not_there(request, error)
    return page(request, "model-report.html", label=label, name=name, version=version, text=to_html(text))


def _distance_from_use(one: ListedModel) -> int:
    """What serves stands first, then what scores in its shadow, then all others."""
    if one.use is None or not one.use.is_active:
        return 2
    return 0 if one.use.routes else 1


def _not_there(request: Request, error: HilumError) -> HTMLResponse:
    captions = Captions(language_of(request))
    status = 404 if isinstance(error, ModelMissing) else 503
    return page(request, "message.html", status, heading=captions("Models"), text=str(error))


def _chosen(senders: list[SenderDrift], wanted: str) -> SenderDrift | None:
    """The sender that was asked for, else the one with the worst news."""
    order = list(STATES)
    worst = sorted(senders, key=lambda one: (-order.index(one.state), -one.images))
    return next((one for one in senders if f"{one.ae_title}|{one.station}" == wanted), worst[0] if worst else None)


def _without_title(card: str) -> str:
    """The page has a heading of its own."""
    first, _, rest = card.partition("\n")
    return rest if first.startswith("# ") else card
