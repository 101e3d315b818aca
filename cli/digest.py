"""The daily digest, looked at or sent at another time than its own."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.door import As, Json, counter, hand, ledger_time, print_json, run
from gateways.policy_folder import PolicyFolder
from models.digest import DigestAsk
from models.outbox import Delivery
from models.roles import Act
from models.wib import WIB, wib_date
from runtime import adapters
from runtime.settings import Settings

app = typer.Typer()


@app.command("digest", epilog="Example: starter.py digest --city 3674 --send --as tangsel-supervisor")
def digest(
    city: Annotated[str, typer.Option(metavar="CODE", help="City code, for example 3674.")],
    send: Annotated[bool, typer.Option("--send", help="Send it now, beside the one of the morning.")] = False,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Show the digest of today as it would be sent now. Each morning the engine sends it by itself."""

    async def work(settings: Settings, screen: Console) -> None:
        now, shelf, digesting = (
            ledger_time(settings),
            PolicyFolder(settings.policies_dir),
            adapters.digesting(settings),
        )
        ask = DigestAsk(city=shelf.city(city).code, day=wib_date(now))
        figures = digesting.look(ask, now)
        alert = digesting.alert(ask, figures, key=f"{ask.key}:{now.astimezone(WIB):%H%M%S}")
        if send:
            desk = await counter(settings)
            desk.work.gate.officer(hand(as_, None, settings).actor, Act.SEND_DIGEST, city=ask.city)
            digesting.send(alert)
        if json_:
            print_json(
                {"city": ask.city, "day": ask.day, "sent": alert.key if send else None, **asdict(figures)}
            )
            return
        message = shelf.alert_texts().single(Delivery(0, alert, "", 0, 0), now, shelf.reasons())
        screen.print(Text(message.subject, style="bold"), Text(message.body), sep="\n", soft_wrap=True)
        if send:
            screen.print(Text(f"in the outbox as {alert.key}", style="bold green"), soft_wrap=True)

    run(work, as_json=json_)
