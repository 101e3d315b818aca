"""Tell people."""

from temporalio import activity

from gateways.ports.alerts import AlertChannel
from models.messages import Alert, Raised


class Alerting:
    """Sends alerts through the channel it was given."""

    def __init__(self, channel: AlertChannel) -> None:
        """Hold the port; the composition root chooses the adapter."""
        self._channel = channel

    @activity.defn(no_thread_cancel_exception=True)
    def raise_alert(self, alert: Alert) -> Raised:
        """Send the alert; the same key again sends nothing."""
        self._channel.send(alert)
        return Raised(key=alert.key)
