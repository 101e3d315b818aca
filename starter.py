"""The operators' door: start cases, look at them, steer them. The commands are in `cli/`."""

import typer

from cli import (
    alerts,
    audit,
    bulk,
    bulk_import,
    calendar,
    cases,
    deployment,
    desk,
    digest,
    documents,
    due_time,
    erasing,
    events,
    installation,
    keys,
    outage,
    privacy,
    recovery,
    report,
    steering,
    stuck,
    views,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Reactivation of PBI JK participants: one case, one durable workflow.\n\n"
    "Exit codes: 0 done, 2 bad input, 3 not found, 4 refused in this state, "
    "5 engine, database or disk cannot be used.",
)

app.add_typer(cases.app)
app.add_typer(bulk_import.app)
app.add_typer(steering.app)
app.add_typer(due_time.app)
app.add_typer(installation.app)
app.add_typer(recovery.app)
app.add_typer(keys.app, name="keys")
app.add_typer(documents.app, name="documents")
app.add_typer(desk.app, name="desk")
app.add_typer(calendar.app, name="calendar")
app.add_typer(digest.app)
app.add_typer(report.app)
app.add_typer(stuck.app)
app.add_typer(bulk.app, name="bulk")
app.add_typer(views.app)
app.add_typer(alerts.app, name="alerts")
app.add_typer(events.app, name="events")
app.add_typer(audit.app, name="audit")
privacy.app.add_typer(erasing.app)
app.add_typer(privacy.app, name="privacy")
app.add_typer(outage.app, name="outage")
app.add_typer(deployment.app, name="deployment")
app.add_typer(steering.receipts, name="receipt")


if __name__ == "__main__":
    app()
