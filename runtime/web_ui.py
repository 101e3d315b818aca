"""Addresses of the Web UI: a case, or the list with a filter filled in."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from runtime.settings import Settings, temporal_environment


@dataclass(frozen=True)
class WebUi:
    """The Web UI of one namespace."""

    base: str
    namespace: str

    @classmethod
    def of(cls, settings: Settings) -> "WebUi | None":
        """Return the one that REAKTIVASI_WEB_UI or a running local stack names; None when neither does."""
        if settings.web_ui is None:
            return None
        namespace = temporal_environment(settings).get("TEMPORAL_NAMESPACE") or "default"
        return cls(str(settings.web_ui).rstrip("/"), namespace)

    def case(self, case_number: str) -> str:
        """Return the page of a case."""
        return f"{self.base}/namespaces/{quote(self.namespace)}/workflows/{case_number}"

    def list(self, query: str, *, save_as: str | None = None) -> str:
        """Return the list with a filter; with `save_as` opening it saves the view under this name."""
        told = {"query": query} | ({} if save_as is None else {"savedQuery": save_as})
        return f"{self.base}/namespaces/{quote(self.namespace)}/workflows?{urlencode(told)}"
