"""Ledger, key store and Temporal, each put back in turn: it is noticed, and no number is given out again."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from gateways.anchor_file import AnchorFile
from gateways.ledger_access import utc_now
from gateways.ledger_schema import open_engine
from gateways.sql_audit import SqlAudit
from gateways.sql_ledger import SqlLedger
from gateways.sql_lineage import SqlLineage
from gateways.sql_recovery import SqlRecovery
from gateways.sql_registry import SqlRegistry
from gateways.sql_vault import SqlVault
from models.case import CaseRef, Outcome, Step
from models.dossier import Person
from models.errors import (
    AnotherCase,
    AnotherLedger,
    KeyLost,
    KeyMissing,
    LaterLife,
    NotRunning,
    NumbersHeld,
)
from models.lineage import NUMBERS_SKIPPED, Discord, Held, Witnessed
from models.messages import RetryStep, Withdraw
from models.recovery import Remedy
from runtime.comparing import Comparison
from runtime.namespace import OwnNamespace
from runtime.restoring import Restoring
from runtime.same_past import SamePast
from runtime.sealing import anchor, seal_all
from runtime.settings import Settings
from runtime.stack import temporal_binary
from runtime.starting import CaseStarter
from tests.builders import a_case
from tests.ledger.builders import a_closing, a_new_case, a_person, a_state, a_telling, an_event
from tests.ledgers import a_ledger
from tests.vaults import vault_at
from tests.workflows.conftest import Bench
from tests.workflows.hands import on_desk
from workflows import search_attributes
from workflows.ledger_claim import CLAIM_ID, LedgerClaim
from workflows.reactivation import Reactivation

SERIES = "case:3674:2026"


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A Temporal that nobody took."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(),
        data_converter=pydantic_data_converter,
        search_attributes=[column.key for column in search_attributes.COLUMNS],
        dev_server_log_level="error",
    ) as started:
        yield started.client


class Stores:
    """A ledger and its key store in a folder, as one process has them open."""

    def __init__(self, folder: Path, client: Client, *, is_new: bool = True) -> None:
        self.folder, self._client = folder, client
        folder.mkdir(exist_ok=True)
        self.engine = a_ledger(folder) if is_new else open_engine(f"sqlite:///{folder / 'ledger.db'}")
        self.vault: SqlVault = vault_at(folder)
        self.settings = Settings(task_queue="cases")
        self.book, self.registry = SqlLineage(self.engine), SqlRegistry(self.engine, self.vault)
        self.audit, self.anchors = SqlAudit(self.engine), AnchorFile(folder / "anchors.txt")
        self.namespace = OwnNamespace.over(client, self.settings, self.book)
        self.past = SamePast(self.book, self.vault, self.namespace, self.anchors, utc_now)
        self.restoring = Restoring(
            self.book,
            SqlRecovery(self.engine, self.vault),
            self.vault,
            self.namespace,
            past=self.past,
            clock=utc_now,
        )

    def close(self) -> None:
        """Close the files, as a process that ends."""
        self.engine.dispose()
        self.vault._engine.dispose()  # noqa: SLF001 - nobody else closes it

    def copy(self, name: str, to: str) -> None:
        """Copy a store of a process that has ended."""
        shutil.copy(self.folder / name, self.folder / to)

    def put_back(self, *names: str) -> "Stores":
        """Put copies of stores in their places and open them as another process."""
        self.close()
        for name in names:
            for left in self.folder.glob(f"{name}-*"):
                left.unlink()
            shutil.copy(self.folder / f"{name}.copy", self.folder / name)
        return Stores(self.folder, self._client, is_new=False)

    def copied(self) -> "Stores":
        """Copy both stores, and go on."""
        self.close()
        for name in ("ledger.db", "keys.db"):
            shutil.copy(self.folder / name, self.folder / f"{name}.copy")
        return Stores(self.folder, self._client, is_new=False)

    async def case(self, person: Person | None = None) -> CaseRef:
        """Register and begin a case."""
        case = self.registry.register(a_new_case(person)).case
        await CaseStarter(self.namespace)(case)
        self.registry.mark_started(case.case_number)
        return case

    async def why_held(self) -> Discord | None:
        """Look, and say why no number is given out."""
        held: Held | None = await self.past.look()
        return None if held is None else held.because


@pytest.fixture
def stores(tmp_path: Path, client: Client) -> Iterator[Stores]:
    """An office's stores on that Temporal."""
    made = Stores(tmp_path / "office", client)
    yield made
    made.close()


@asynccontextmanager
async def serving(client: Client) -> AsyncIterator[None]:
    """Run a worker that knows the claim."""
    async with Worker(
        client, task_queue="cases", workflows=[LedgerClaim], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        yield


async def test_stores_of_one_past_belong_together(stores: Stores, client: Client) -> None:
    """Cases come, rows are sealed, everybody notes: nothing is held, before and after a copy was made."""
    await stores.namespace.take()
    async with serving(client):
        for _ in range(2):
            await stores.case()
            seal_all(stores.audit, utc_now)
            await stores.past.bear_witness()
            assert await stores.why_held() is None
    lineage = stores.book.lineage()
    assert lineage.keys_tick > 0
    assert lineage.temporal_tick == 2
    assert (await stores.namespace.claim()).noted.past.numbers == {SERIES: 2}  # type: ignore[union-attr]


async def test_a_ledger_put_back_gives_no_number_until_restored(stores: Stores, client: Client) -> None:
    """The key store knows better. Restored, numbers go on beyond what anybody knows, and never twice."""
    await stores.namespace.take()
    await stores.case()
    office = stores.copied()
    given = {(await office.case()).case_number for _ in range(3)}
    older = office.put_back("ledger.db")
    assert await older.why_held() is Discord.LEDGER_OLDER
    with pytest.raises(NumbersHeld, match=r"starter\.py restored"):
        older.registry.register(a_new_case())

    standing = await older.restoring.look()
    assert [(one.name, one.ledger, one.keys, one.temporal) for one in standing.series] == [(SERIES, 1, 4, 4)]
    await older.restoring.go_on(standing, by="tangsel-supervisor")
    assert await older.why_held() is None
    case = await older.case()
    assert case.case_number == f"PBI-3674-2026-{4 + NUMBERS_SKIPPED + 1:06d}"
    assert case.case_number not in given
    assert await older.why_held() is None
    older.close()


async def test_a_ledger_and_a_key_store_put_back_together_are_noticed_by_temporal(
    stores: Stores, client: Client
) -> None:
    """By the cases that began since, without any worker; what it has noted of other series counts too."""
    await stores.namespace.take()
    await stores.case()
    office = stores.copied()
    await office.case()
    older = office.put_back("ledger.db", "keys.db")
    assert await older.why_held() is Discord.LEDGER_OLDER
    await older.restoring.go_on(await older.restoring.look(), by="tangsel-supervisor")
    assert await older.why_held() is None
    older.close()


async def test_numbers_that_begin_no_case_are_noted_by_temporal(stores: Stores, client: Client) -> None:
    """A letter's number is known to Temporal although no workflow bears it."""
    await stores.namespace.take()
    async with serving(client):
        office = stores.copied()
        office.registry.register(a_new_case())  # registered, and never begun
        await office.past.bear_witness()
        older = office.put_back("ledger.db", "keys.db")
        assert await older.why_held() is Discord.LEDGER_OLDER
        older.close()


async def test_a_key_store_put_back_is_noticed_by_the_ledger(stores: Stores, client: Client) -> None:
    """It has counted less than it had told the ledger; who was registered since cannot be read."""
    async with serving(client):
        await stores.case()
        seal_all(stores.audit, utc_now)
        await stores.past.bear_witness()
        office = stores.copied()
        await office.case()
        seal_all(office.audit, utc_now)
        await office.past.bear_witness()
        older = office.put_back("keys.db")
        assert await older.why_held() is Discord.KEYS_OLDER
        standing = await older.restoring.look()
        assert (standing.people_without_key, len(standing.cases_without_key)) == (1, 1)
        await older.restoring.go_on(standing, by="tangsel-supervisor")
        assert await older.why_held() is None
        older.close()


async def test_what_nobody_knows_of_a_case_counts_as_uploaded(stores: Stores, client: Client) -> None:
    """The ledger was put back and Temporal has not the case: whoever uploads it looks into the portal first.

    Where the ledger was not put back, or the case has told something since, the ledger knows.
    """
    await stores.namespace.take()
    async with serving(client):
        lost, tells = await stores.case(), await stores.case()
        office = stores.copied()
        await office.case()
        older = office.put_back("ledger.db")
        for case in (lost, tells):
            await client.get_workflow_handle(case.case_number).terminate()
        assert await uploads_of(older, lost) == (Remedy.START, frozenset())
        await older.restoring.go_on(await older.restoring.look(), by="tangsel-supervisor")
        told = a_telling(a_state(tells, 2), an_event(2), at=utc_now())
        SqlLedger(older.engine, older.vault).record(told)
        assert await uploads_of(older, lost) == (Remedy.START, frozenset({1}))
        assert await uploads_of(older, tells) == (Remedy.START, frozenset())
        again = await older.case()
        await client.get_workflow_handle(again.case_number).terminate()
        assert await uploads_of(older, again) == (Remedy.START, frozenset())
        older.close()


async def uploads_of(office: Stores, case: CaseRef) -> tuple[Remedy, frozenset[int]]:
    """Return what `recover` would do with a case, and which uploads may have been done."""
    book = SqlRecovery(office.engine, office.vault)
    found = await Comparison(book, office.namespace, utc_now).look(case.case_number)
    return found.remedy, found.uploads


async def test_who_lost_a_key_is_named_until_the_case_is_over(stores: Stores, client: Client) -> None:
    """Not only on the day when the key store was put back; whoever applies anew is read again."""
    async with serving(client):
        office, applies = stores.copied(), a_person()
        case = await office.case(applies)
        older = office.put_back("keys.db")
        ledger = SqlLedger(older.engine, older.vault)
        with pytest.raises(KeyMissing, match=r"put the right key store back.*starter\.py restored"):
            ledger.dossier(case.case_number)
        await older.restoring.go_on(await older.restoring.look(), by="tangsel-supervisor")
        with pytest.raises(KeyLost, match="take the application anew"):
            ledger.dossier(case.case_number)
        for _ in range(2):
            standing = await older.restoring.look()
            assert (standing.is_restored, standing.cases_without_key) == (True, (case.case_number,))
        ledger.record(a_closing(case, outcome=Outcome.WITHDRAWN))
        again = older.registry.register(a_new_case(applies)).case
        assert ledger.dossier(again.case_number).person == applies
        assert (await older.restoring.look()).cases_without_key == ()
        older.close()


async def test_the_right_key_store_that_turns_up_too_late_loses_nobody_unsaid(
    stores: Stores, client: Client
) -> None:
    """It reads who waited for it; who has applied anew meanwhile is named, and applies once more."""
    async with serving(client):
        office, waits, applies = stores.copied(), a_person(), a_person()
        waiting, given_up = await office.case(waits), await office.case(applies)
        office.close()
        office.copy("keys.db", "right.db")
        older = office.put_back("keys.db")
        await older.restoring.go_on(await older.restoring.look(), by="tangsel-supervisor")
        await older.past.bear_witness()
        ledger = SqlLedger(older.engine, older.vault)
        ledger.record(a_closing(given_up, outcome=Outcome.WITHDRAWN))
        again = older.registry.register(a_new_case(applies)).case
        await older.past.bear_witness()
        older.close()
        older.copy("right.db", "keys.db.copy")

        right = older.put_back("keys.db")
        assert await right.why_held() is Discord.KEYS_OLDER
        standing = await right.restoring.look()
        assert (standing.people_without_key, standing.cases_without_key) == (1, (again.case_number,))
        await right.restoring.go_on(standing, by="tangsel-supervisor")
        assert await right.why_held() is None
        standing = await right.restoring.look()
        assert (standing.is_restored, standing.cases_without_key) == (True, (again.case_number,))
        ledger = SqlLedger(right.engine, right.vault)
        assert ledger.dossier(waiting.case_number).person == waits
        with pytest.raises(KeyLost, match="take the application anew"):
            ledger.dossier(again.case_number)
        right.close()


async def test_a_ledger_that_goes_on_while_it_is_compared_is_not_older(
    stores: Stores, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is registered between two looks: what the key store knows then was in the ledger before."""
    async with serving(client):
        await stores.case()
        ask = stores.vault.witnessed

        def asked(ledger: str) -> Witnessed | None:
            stores.registry.register(a_new_case())
            stores.vault.witness(stores.book.past())
            return ask(ledger)

        monkeypatch.setattr(stores.vault, "witnessed", asked)
        assert await stores.why_held() is None


async def test_a_key_store_put_back_by_seconds_is_noticed_by_whom_it_lacks(
    stores: Stores, client: Client
) -> None:
    """Nothing was noted since the copy; but somebody came, and his key is gone."""
    async with serving(client):
        await stores.case()
        await stores.past.bear_witness()
        office = stores.copied()
        assert await office.why_held() is None
        case = await office.case()
        older = office.put_back("keys.db")
        assert await older.why_held() is Discord.KEYS_OLDER
        standing = await older.restoring.look()
        assert standing.cases_without_key == (case.case_number,)
        older.close()


async def test_a_key_store_put_back_under_a_process_at_work_is_noticed_as_it_counts(
    stores: Stores, client: Client
) -> None:
    """It counts on from less than it had told; a few rounds more, and nobody could see it."""
    async with serving(client):
        await stores.case()
        office = stores.copied()
        for _ in range(3):  # each process notes; where nothing happened since, nothing is counted
            await office.past.bear_witness()
            fresh = SamePast(office.book, office.vault, office.namespace, None, utc_now)
            await fresh.bear_witness()
        assert office.book.lineage().held is None
        office.book.remember(keys=9)
        older = office.put_back("keys.db")
        await older.past.bear_witness()
        assert older.book.lineage().held.because is Discord.KEYS_OLDER  # type: ignore[union-attr]
        older.close()


async def test_a_temporal_put_back_is_noticed_by_the_ledger(stores: Stores, client: Client) -> None:
    """One that knows nothing of what it had noted: here, because somebody ended what noted it."""
    await stores.namespace.take()
    async with serving(client):
        await stores.case()
        await stores.past.bear_witness()
        await client.get_workflow_handle(CLAIM_ID).terminate()
        await stores.namespace.take()
        fresh = SamePast(stores.book, stores.vault, stores.namespace, None, utc_now)
        assert await fresh.look() is not None
        assert stores.book.lineage().held.because is Discord.TEMPORAL_OLDER  # type: ignore[union-attr]


async def test_an_anchor_beyond_the_ledger_is_noticed(stores: Stores) -> None:
    """Anchors are kept outside of everything: they outlive both databases."""
    await stores.case()
    seal_all(stores.audit, utc_now)
    office = stores.copied()
    office.registry.register(a_new_case())
    seal_all(office.audit, utc_now)
    assert anchor(office.audit, office.anchors, utc_now()) is not None
    older = office.put_back("ledger.db", "keys.db")
    assert await older.why_held() is Discord.LEDGER_OLDER
    older.close()


async def test_a_namespace_serves_the_ledger_that_took_it_first(stores: Stores, tmp_path: Path) -> None:
    """Another one is told whose it is, takes nothing and starts nothing; given free, the next one has it."""
    await stores.namespace.take()
    await stores.namespace.take()
    test = Stores(tmp_path / "trial", stores._client)  # noqa: SLF001
    ours, theirs = stores.book.lineage().ledger, test.book.lineage().ledger
    for door in (test.namespace.client, test.namespace.take):
        with pytest.raises(AnotherLedger, match=rf"serves the ledger {ours}.*this is {theirs}"):
            await door()
    with pytest.raises(AnotherLedger):
        await test.case()
    await stores._client.get_workflow_handle(CLAIM_ID).terminate()  # noqa: SLF001
    await test.namespace.take()
    with pytest.raises(AnotherLedger, match=theirs):
        await Stores(stores.folder, stores._client, is_new=False).namespace.client()  # noqa: SLF001
    test.close()


async def test_the_copy_that_did_not_go_on_is_refused(stores: Stores, client: Client) -> None:
    """Two copies of a ledger: the one that was restored has the namespace, the older life is told so."""
    await stores.namespace.take()
    await stores.case()
    office = stores.copied()
    office.close()
    shutil.copytree(office.folder, office.folder.with_name("standby"))
    standby = Stores(office.folder.with_name("standby"), client, is_new=False)
    await standby.restoring.go_on(await standby.restoring.look(), by="tangsel-supervisor")
    office = Stores(office.folder, client, is_new=False)
    for door in (office.namespace.client, office.namespace.take):
        with pytest.raises(LaterLife, match="this is an older copy of it"):
            await door()
    with pytest.raises(LaterLife):
        await office.case()
    assert await office.why_held() is Discord.LEDGER_OLDER
    office.close()
    standby.close()


async def test_a_copy_older_than_the_last_life_goes_on_once_an_administrator_says_so(
    stores: Stores, client: Client
) -> None:
    """Put back and restored, again and again from the first copy: numbers go on past those of all lives."""
    await stores.namespace.take()
    async with serving(client):
        await stores.case()
        office, given = stores.copied(), set[str]()
        for life in (2, 3, 4):
            new = {(await office.case()).case_number for _ in range(2)}
            assert not new & given
            given |= new
            await office.past.bear_witness()
            office = office.put_back("ledger.db")
            assert office.book.lineage().generation == 1
            assert await office.why_held() is Discord.LEDGER_OLDER
            standing = await office.restoring.look()
            assert (standing.held, standing.generation) == (office.book.lineage().held, life - 1)
            lineage = await office.restoring.go_on(standing, by="tangsel-supervisor")
            assert (lineage.generation, lineage.held) == (life, None)
            for _ in range(2):
                await office.past.bear_witness()
                assert await office.why_held() is None
        assert (await office.case()).case_number not in given
        office.close()


async def test_a_key_store_of_an_earlier_life_is_older_however_far_it_counted(
    stores: Stores, client: Client
) -> None:
    """Set aside when an older copy of it was put back and restored; then somebody puts it back again."""
    await stores.namespace.take()
    async with serving(client):
        await stores.case()
        await stores.past.bear_witness()
        office = stores.copied()
        for _ in range(6):  # it counts far
            await office.case()
            await office.past.bear_witness()
        office.close()
        office.copy("keys.db", "keys.newer")
        restored = office.put_back("keys.db")
        await restored.restoring.go_on(await restored.restoring.look(), by="tangsel-supervisor")
        assert await restored.why_held() is None
        restored.copy("keys.newer", "keys.db.copy")
        older = restored.put_back("keys.db")
        await older.past.bear_witness()  # a worker at work: it must not let the store note the present life
        assert await older.why_held() is Discord.KEYS_OLDER
        older.close()


async def test_where_all_belong_together_there_is_nothing_to_restore(stores: Stores, client: Client) -> None:
    """Nobody loses a hundred numbers because he types it twice."""
    await stores.namespace.take()
    async with serving(client):
        await stores.case()
        await stores.past.bear_witness()
        assert (await stores.restoring.look()).is_restored
        office = stores.copied()
        await office.case()
        older = office.put_back("ledger.db")
        assert not (await older.restoring.look()).is_restored
        await older.restoring.go_on(await older.restoring.look(), by="tangsel-supervisor")
        assert (await older.restoring.look()).is_restored
        older.close()


async def test_a_number_that_is_anothers_starts_nothing(stores: Stores, client: Client) -> None:
    """The new person's case is neither told as started nor anybody else's; nor is one that was over."""
    await stores.namespace.take()
    first = await stores.case()
    start = CaseStarter(stores.namespace)
    await start(first)  # once more: it runs, and is the same
    mixed = first.model_copy(update={"birth": f"{first.birth}x"})
    with pytest.raises(AnotherCase, match=first.case_number):
        await start(mixed)
    await client.get_workflow_handle(first.case_number).terminate()
    with pytest.raises(NotRunning):
        await start(first)
    with pytest.raises(AnotherCase):
        await start(mixed)


async def test_a_case_whose_number_is_anothers_in_the_ledger_does_nothing_there(
    stopped_bench: Bench,
) -> None:
    """Stores were put back and the number was given again: nobody's data are handed in by another's case."""
    bench, case = stopped_bench, a_case().model_copy(update={"birth": "aaaaaaaaaaaa.bbbb"})
    handle = await bench.start(case)
    other = case.model_copy(update={"birth": "aaaaaaaaaaaa.cccc"})
    bench.ledger.dossiers[case.case_number] = replace(bench.ledger.dossiers[case.case_number], case=other)
    async with bench.serving():
        await bench.until(handle, lambda state: state.trouble == "NotFound")
        assert bench.ledger.events[case.case_number] == {}
        assert bench.ledger.letters == {}
        assert not bench.siks_ng.effects
    await handle.terminate()


async def test_a_case_takes_no_command_that_is_meant_for_another(office: Bench) -> None:
    """A withdrawal by a ledger that gave the number to somebody else changes nothing.

    A supervisor's button in the Web UI, who looks at this very case, is no stranger's.
    """
    case = a_case().model_copy(update={"birth": "aaaaaaaaaaaa.bbbb"})
    handle = await office.start(case)
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    for birth in ("aaaaaaaaaaaa.cccc", "cccccccccccc.bbbb", None):
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w", birth=birth))
        cause = refused.value.cause
        assert isinstance(cause, ApplicationError)
        assert cause.type == AnotherCase.__name__
    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r"))
    state = await handle.query(Reactivation.state)
    assert state.outcome is None
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w", birth=case.birth))
