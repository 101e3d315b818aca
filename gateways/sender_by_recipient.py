"""One sender out of several: officers through their addresses, another system through the webhook."""

from gateways.ports.alerts import AlertSender
from models.errors import Refused
from models.outbox import WEBHOOK, AlertMessage


class SenderByRecipient:
    """Chooses the way by the recipient."""

    def __init__(self, officers: AlertSender | None, webhook: AlertSender | None) -> None:
        """None is a way that the installation does not have."""
        self._officers = officers
        self._webhook = webhook

    def send(self, recipient: str, message: AlertMessage) -> None:
        """Send by the recipient's way. Raises Unavailable, or Refused when there is none."""
        way = self._webhook if recipient == WEBHOOK else self._officers
        if way is None:
            raise Refused("alerts", "no way to this recipient is set up")
        way.send(recipient, message)
