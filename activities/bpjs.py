"""Step five: BPJS Kesehatan shows the person as active."""

from temporalio import activity

from activities.moot import PBI_APBN
from gateways.ports import Bpjs, Ledger
from models.answers import Approved, Moot, ReasonCode, Returned
from models.case import Outcome, Step
from models.errors import NotYetAnswered
from models.identity import same_name
from models.messages import StepAsk, StepReply
from models.wib import wib_date


class BpjsReconnect:
    """Reads the participant's status until it is active."""

    def __init__(self, ledger: Ledger, bpjs: Bpjs) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._ledger = ledger
        self._bpjs = bpjs

    @activity.defn
    def bpjs_reconnect(self, ask: StepAsk) -> StepReply:
        """Approve once the participant is active under the right name and birth date.

        BPJS answers some numbers with a stranger's record (domain 2.1), so an active participant
        with another name or birth date is returned, not taken. Active in another segment ends the case
        as that (domain 0.7: 2,133 of 44,500 came back as mandiri or PBI daerah).

        Raises NotYetAnswered while inactive.
        """
        person = self._ledger.dossier(ask.case_number).person
        participant = self._bpjs.participant(person.nik, on=wib_date(activity.info().started_time))
        if participant is None or not participant.is_active:
            raise NotYetAnswered("bpjs", ask.poll_every)
        if participant.birth_date != person.birth_date or not same_name(participant.name, person.name):
            mismatch = Returned(reason=ReasonCode.NAMA_TGL_LAHIR_BEDA, back_to=Step.BPJS_RECONNECT)
            return StepReply(answer=mismatch)
        if participant.type_code != PBI_APBN:
            return StepReply(answer=Moot(outcome=Outcome.SEGMENT_CHANGED))
        return StepReply(answer=Approved())
