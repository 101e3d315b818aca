"""Every timeout and retry policy, by kind of work. Nothing else in the project spells one."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig, LocalActivityConfig

# -- Activities ----------------------------------------------------------------------------------
# An activity in flight when its worker is killed is noticed after start_to_close, so it is kept short.
# Cancelling waits for the activity, so that an effect that happened is also recorded.

OUR_WORK = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=20),
    schedule_to_close_timeout=timedelta(minutes=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""Steps that only read files and the ledger."""

OUTSIDE_EFFECT = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=20),
    schedule_to_close_timeout=timedelta(minutes=15),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""Work done once in an outside system. After a quarter of an hour of failures the case is called stuck."""

ANSWER_ROUND = timedelta(hours=2)
"""How long an answer is asked for in one round, and how late it is seen that asking fails."""

ANSWER_ROUND_AT_MOST = timedelta(days=1)
"""How long a round becomes for an answer that is not there for days; it grows as pauses do (`EAGER_FOR`)."""

ASKS_IN_A_ROUND = 4
"""Room for how many asks a round has at least, however seldom the city's policy has them."""

OUTSIDE_ANSWER = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=20),
    schedule_to_close_timeout=ANSWER_ROUND,
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""An answer that is asked for until it is there. Retrying costs no history; the pace comes from the
city's policy through `NotYetAnswered.ask_again_in`. A round ends after some hours and a new one begins."""

URGENT_ROUND = timedelta(minutes=15)
"""The same in an emergency: a round costs some history, and one that ends in failure calls for a person."""

URGENT_ROUND_AT_MOST = timedelta(hours=6)
"""How long that round becomes: what fails in an emergency is told on the same day, however old it is."""

RETRY_AFTER_AT_LEAST = timedelta(seconds=10)
RETRY_AFTER_AT_MOST = timedelta(minutes=5)
"""How long a system may put us off by `Retry-After`: it is a stranger's word, and people wait."""

LEDGER_AT_ONCE = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=4),
    schedule_to_close_timeout=timedelta(seconds=6),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=3),
)
"""A ledger read or write that is expected to take milliseconds."""

OFFICE_AT_ONCE = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=4),
    schedule_to_close_timeout=timedelta(seconds=4),
    retry_policy=RetryPolicy(maximum_attempts=1),
)
"""A step of the office that is expected to take milliseconds; tried once, then as a pending activity."""

LEDGER_WHEN_BACK = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=20),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
)
"""The same when the database did not answer at once: a pending activity that a supervisor can see."""

PLAN_WHEN_BACK = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=20),
    schedule_to_close_timeout=timedelta(minutes=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
)
"""What a case is held to, when the database did not answer at once. After ten minutes people are called."""

ALERT = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=20),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
)
"""Alerts are retried for ever: an alert must not be lost."""


DIGEST_CATCH_UP = timedelta(hours=12)
"""How late in the day a digest is still begun when Temporal was down at its time."""

DIGEST_AT_MOST = timedelta(hours=11)
"""How long a digest waits for worker and ledger. Both together stay below a day: yesterday's digest must not
run when today's is due, or today's would be skipped."""

RETENTION_EVERY = timedelta(days=1)
"""How often a worker erases what the policies keep no longer; also when it starts."""

BULK = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=timedelta(seconds=15),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
    cancellation_type=ActivityCancellationType.TRY_CANCEL,
)
"""A page of a bulk operation, tried until it is done. A killed worker is noticed by its missing heartbeat."""

BULK_PAGE = 50
"""Cases in a page: a history of some thousand events for a whole city, and little to repeat after a kill."""


def named(work: ActivityConfig, summary: str) -> ActivityConfig:
    """Return the options with the words that a supervisor reads beside the activity."""
    return {**work, "summary": summary}


# -- Pauses of a case between rounds of failure ------------------------------------------------------

ASK_AGAIN_AFTER_OUTAGE = timedelta(minutes=5)
"""How long a stuck case waits before it asks an unavailable system again by itself."""

ASK_AGAIN_AFTER_REFUSAL = timedelta(hours=1)
"""How long a stuck case waits when asking again helps only after somebody mended something."""

LOOK_AFTER_PARKING = timedelta(hours=6)
"""How long a parked case waits to be released before it looks for itself whether the outage is over."""

EAGER_FOR = timedelta(hours=24)
"""How long these pauses stay as they are while nothing changes: the day that an emergency has. After it each
is twice the one before, so that a case that waits for weeks has room in its history."""

PAUSE_AT_MOST = timedelta(hours=6)
"""How long a pause becomes; a person who acts, or the end of an outage, ends it at once."""

LOOK_BACK_WITHIN = timedelta(seconds=1.5)
"""How long reading the beginning of a history may take while a case is replayed. The SDK gives a workflow
task two seconds; one that fails is tried again."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far an officer's computer may be ahead of the server; what happened then counts as happening now."""

# -- Calls from outside a workflow -----------------------------------------------------------------

COMMAND_RPC_TIMEOUT = timedelta(seconds=10)
"""How long a command waits for a worker before it says that the result is unknown."""

EVENT_DELIVERED_WITHIN = timedelta(seconds=3)
"""How long a system that pushes an answer waits for a worker; after that the sweep delivers it."""

EVENT_READ_WITHIN = timedelta(seconds=10)
"""How long a pushed event may take to arrive."""

BULK_SHOWN_EVERY = timedelta(milliseconds=300)
"""How often a terminal looks how far a bulk operation is."""

GLANCE_WITHIN = timedelta(seconds=4)
"""How long a command waits for what Temporal says of a case; it tells the rest without that."""

START_RPC_TIMEOUT = timedelta(seconds=5)
"""How long starting a case may take before it is left to the sweep."""

STARTS_IN_FLIGHT = 16
"""How many cases of a list are being started at a time; more only adds waiting."""

START_AGAIN_AFTER = (timedelta(seconds=1), timedelta(seconds=5))
"""Pauses after which the start of a case of a list is tried again before the import stops."""

HTTP_CONNECT_TIMEOUT = timedelta(seconds=3)
HTTP_READ_TIMEOUT = timedelta(seconds=10)
"""Both together stay below the activity's start_to_close."""

SWEEP_EVERY = timedelta(seconds=15)
"""How often a worker looks for registered cases without a workflow."""

SWEEP_AFTER = timedelta(seconds=15)
"""How long a registered case may be without a workflow before the sweep starts it."""

SEAL_EVERY = timedelta(seconds=5)
"""How often a worker seals what was written in the audit chain."""

OUTAGES_EVERY = timedelta(seconds=5)
"""How often a worker looks whether an outage began or ended."""

RELEASE_EVERY = timedelta(milliseconds=40)
"""Pause between two parked cases that are released: a system that has just come back is not overrun."""

STICKY_QUEUE_WAIT = timedelta(seconds=5)
"""How long a task waits for the worker that has the case in its cache; after a kill -9, the delay."""

POLLS_WITHIN = timedelta(seconds=70)
"""A living worker asks for work again at least once in this time (a long poll lasts a minute)."""

GRACEFUL_SHUTDOWN = timedelta(seconds=15)
"""How long a stopping worker lets its activities finish."""

WORKER_AGAIN_AFTER = timedelta(seconds=2)
"""How long a crew waits before it starts a worker that died again."""

SHUTDOWN_AT_MOST = timedelta(seconds=30)
"""After this a stopping worker leaves whatever still runs: every step is safe to take again."""

# -- Watching over the engine -------------------------------------------------------------------------
# Each wait is longer than what goes on by itself takes, so that nobody is called for nothing.

WATCH_STARTED_AFTER = timedelta(seconds=10)
"""How long after its start a case is looked for in Temporal, whose lists lag behind by a second or two."""

WATCH_SWEPT_AFTER = timedelta(minutes=5)
"""How long a registered case may wait for its start while Temporal and a worker are there."""

WATCH_ENDED_AFTER = timedelta(minutes=10)
"""How long a case may run on after its end was recorded, because an alert of it could not be kept."""

WATCH_TOLD_AFTER = timedelta(minutes=2)
"""How long after its due time a case may be without an alert."""

WATCH_SENT_AFTER = timedelta(minutes=10)
"""How long an alert may be on its way."""

WATCH_MOVES_AFTER = timedelta(seconds=20)
"""After this, a case that tells nothing, or takes no command, is looked at for failing code."""

WATCH_FAILS_AT = 3
"""Which attempt at a workflow task means failing code; the second may only follow a killed worker."""

WATCH_MISSED_FOR = timedelta(seconds=30)
"""How long Temporal or every worker must have been missing, so that a restart calls for nobody."""

WATCH_WARM_UP = timedelta(minutes=2)
"""How long the engine may take to tell and send what fell due while everything was down."""

WATCH_ENGINE_WITHIN = timedelta(seconds=10)
"""How long Temporal may take to say who asks it for work."""

WATCH_CHECK_WITHIN = timedelta(minutes=1)
"""How long one check may take."""

WATCH_AT_ONCE = 1000
"""How many cases a check looks at one by one in a round; the others have their turn in the next."""

WATCH_SILENT_AT_ONCE = 100
"""How many cases that only tell nothing are looked at in a round: in a list that waits they are thousands."""

WATCHDOG_PATIENCE = timedelta(minutes=1)
"""How much longer than three rounds the watchdog may be silent before people are told."""

WATCH_SEALED_AFTER = timedelta(minutes=10)
"""How long a row may wait to be sealed in the audit chain while a worker is there."""

GAUGES_EVERY = timedelta(seconds=10)
"""How often a worker looks after the watchdog and renews its figures."""

UNACKNOWLEDGED_AFTER = timedelta(minutes=30)
"""After this an open alert counts as one that nobody takes charge of."""
