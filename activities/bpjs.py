"""Step five: BPJS Kesehatan shows the person as active."""

from temporalio import activity

from activities.moot import PBI_APBN
from activities.ways import Way
from gateways.ports.institutions import Bpjs
from gateways.ports.ledger import Ledger
from models.answers import Answer, Approved, Moot, Returned
from models.case import Outcome, Step
from models.errors import Misconfigured, NotYetAnswered
from models.identity import same_name
from models.messages import StepAsk, StepReply
from models.reasons import ANOTHER_PERSON
from models.wib import wib_date


class BpjsReconnect:
    """Reads the participant's status until it is active, or leaves it to the people who look it up."""

    def __init__(self, ledger: Ledger, bpjs: Bpjs | None, way: Way) -> None:
        """Hold the ports; `bpjs` is None where the office has no credentials (domain 3.5)."""
        self._ledger = ledger
        self._bpjs = bpjs
        self._way = way

    @activity.defn(no_thread_cancel_exception=True)
    def bpjs_reconnect(self, ask: StepAsk) -> StepReply:
        """Approve once the participant is active under the right name and birth date.

        BPJS answers some numbers with a stranger's record (domain 2.1), so an active participant
        with another name or birth date is returned, not taken. Active in another segment ends the case
        as that (domain 0.7: 2,133 of 44,500 came back as mandiri or PBI daerah).

        Raises NotYetAnswered while inactive.
        """
        return self._way.reply(ask, self._by_machine)

    def _by_machine(self, ask: StepAsk) -> Answer:
        if self._bpjs is None:
            raise Misconfigured("bpjs: no machine is set up")
        person = self._ledger.person(ask.case_number)
        participant = self._bpjs.participant(person.nik, on=wib_date(activity.info().started_time))
        if participant is None or not participant.is_active:
            raise NotYetAnswered("bpjs", ask.poll_every)
        if participant.birth_date != person.birth_date or not same_name(participant.name, person.name):
            return Returned(reason=ANOTHER_PERSON, back_to=Step.BPJS_RECONNECT)
        if participant.type_code != PBI_APBN:
            return Moot(outcome=Outcome.SEGMENT_CHANGED)
        return Approved()
