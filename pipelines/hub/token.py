"""Whether the Hub accepts a token, by one call; its value and its owner's name are told to nobody."""

from __future__ import annotations

from httpx2 import HTTPError
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from pipelines.hub.cache import HubCache


def state(hub: HubCache) -> str:
    """ "missing", "accepted", "refused", or "set, and not checked: HOST cannot be reached"."""
    if not hub.token:
        return "missing"
    try:
        HfApi(endpoint=hub.endpoint).whoami(token=hub.token)
    except HfHubHTTPError as error:
        return "refused" if error.response.status_code in (401, 403) else "set, and not checked: the Hub has trouble"
    except (HTTPError, OSError):
        return f"set, and not checked: {hub.host} cannot be reached"
    return "accepted"
