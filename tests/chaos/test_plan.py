"""A seed means the same each time; proxy and mailbox do what they are named for."""

import asyncio
import itertools
import json
from datetime import timedelta

import httpx
import pytest
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateways.http_call import HttpCall, Patience
from models.errors import Unavailable
from tests.chaos.mailbox import Mailbox
from tests.chaos.plan import DISASTERS, FATES, Blow, Database, plan_of
from tests.chaos.proxy import MessyProxy
from tests.chaos.web import served


def test_a_seed_is_one_plan() -> None:
    """The same seed replays the same faults and fates; another seed does not."""
    assert plan_of(7) == plan_of(7)
    assert plan_of(7).faults != plan_of(8).faults
    assert json.loads(json.dumps(plan_of(7).told()))["database"] == "PostgreSQL"


def test_twenty_seeds_bring_every_fault_and_every_fate() -> None:
    """Nothing that can happen is left out of the suite; each database has its own faults."""
    plans = [plan_of(seed) for seed in range(20)]

    struck = [fault.blow for plan in plans for fault in plan.faults]
    assert {*struck, *(plan.disaster.blow for plan in plans)} == set(Blow)
    assert {fate.name for plan in plans for fate in plan.fates} == {fate.name for fate in FATES}
    assert {(plan.disaster.blow, plan.database) for plan in plans} == set(
        itertools.product(DISASTERS, Database)
    )
    assert {plan.seed for plan in plans if plan.disaster.again_at is not None} == {10, 11}
    for disaster in (plan.disaster for plan in plans):
        assert all(at < disaster.at for _, at in disaster.copied_at)
    assert [plan.database for plan in plans].count(Database.SQLITE) == 10
    for plan in plans:
        blows = {fault.blow for fault in plan.faults}
        assert (Blow.LOCK_DATABASE in blows) == (plan.database is Database.SQLITE)
        assert blows >= {Blow.KILL_WORKER, Blow.KILL_TEMPORAL, Blow.KILL_DISPATCHER}


class _Said(BaseModel):
    said: int


async def test_a_messy_proxy_loses_and_doubles_and_nobody_gets_the_answer_of_another() -> None:
    """The far side does what it hears, the caller does not learn of all; each answer is to his question."""
    done = 0

    async def work(request: Request) -> Response:
        nonlocal done
        done += 1
        return JSONResponse({"said": (await request.json())["say"]})

    async with served(Starlette(routes=[Route("/", work, methods=["POST"])])) as port:
        proxy = MessyProxy(port, "seed")
        proxy.LATE = (0.0, 0.01)
        await proxy.open()
        call = HttpCall(
            "siks_ng",
            f"http://127.0.0.1:{proxy.port}",
            address="",
            access="",
            patience=Patience(timedelta(seconds=3), timedelta(seconds=3)),
        )

        def ask(number: int) -> int:
            return call.read(call.send("POST", "/", body={"say": number}), _Said).said

        assert await asyncio.to_thread(ask, -1) == -1
        proxy.mess, heard = 1.0, 0
        for number in range(24):
            try:
                said = await asyncio.to_thread(ask, number)
            except Unavailable:
                continue
            assert said == number, "an answer to another question"
            heard += 1
        call.close()
        await proxy.close()

    assert proxy.spoilt == 24
    assert heard < 24
    assert done > heard + 1


async def test_a_mailbox_takes_a_message_without_an_answer() -> None:
    """It counts the message; the sender waits in vain until it is told to answer again."""
    mailbox = Mailbox()
    await mailbox.open()
    async with httpx.AsyncClient(base_url=f"http://{mailbox.address}", trust_env=False) as client:
        waiting = asyncio.create_task(mailbox.swallow_next(5))
        await asyncio.sleep(0)
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/hook", json={"id": "a"}, timeout=0.2)
        await waiting
        mailbox.answer_again()
        assert (await client.post("/hook", json={"id": "a"})).status_code == 204
    await mailbox.close()

    assert mailbox.received == {"a": 2}
