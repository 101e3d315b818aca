"""Messages to officers through Apprise: e-mail, Telegram, gateways and more, one address each."""

import logging
import re
from http import HTTPStatus

import apprise

from gateways.contact_file import Contacts
from models.errors import Refused, Unavailable
from models.outbox import AlertMessage

_SYSTEM = "apprise"
_WITHIN_SECONDS = 30
"""For all addresses of one officer together."""
_STATUS = re.compile(r"\berror=([1-5]\d\d)\b")
_PASSES = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class AppriseSender:
    """Sends to every address of an officer; the message arrived when one of them took it.

    Apprise and what it uses write addresses into their logs, which therefore go nowhere. No error of ours
    holds one.
    """

    def __init__(self, contacts: Contacts) -> None:
        """`contacts` come from `read_contacts`."""
        logging.getLogger("apprise").propagate = False
        logging.getLogger("urllib3").propagate = False
        asset = apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY)
        self._ways: dict[str, apprise.Apprise] = {}
        for officer, addresses in contacts.items():
            self._ways[officer] = way = apprise.Apprise(asset=asset)
            for address in addresses:
                way.add(address.get_secret_value())

    def send(self, recipient: str, message: AlertMessage) -> None:
        """Send to an officer. Raises Unavailable, or Refused when no address can ever take it."""
        if recipient not in self._ways:
            raise Refused(_SYSTEM, "officer has no contact")
        result = self._ways[recipient].notify(
            body=message.body.strip(), title=message.subject, timeout=_WITHIN_SECONDS
        )
        if any(result):
            return
        if all(_is_final(service) for service in result) and len(result):
            raise Refused(_SYSTEM, "address refuses messages")
        raise Unavailable(_SYSTEM, "no address answers")


def _is_final(service: apprise.NotifyResult) -> bool:
    """Tell whether trying again is useless: the address answered with a 4xx status.

    Apprise says only yes or no; the status stands in its words, which are looked at and not kept.
    """
    statuses = {int(found) for entry in service.logs() for found in _STATUS.findall(entry.message)}
    is_refusal = any(
        HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR for status in statuses
    )
    return is_refusal and not statuses & _PASSES
