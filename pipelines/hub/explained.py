"""Why the Hub could not be read, in sentences that say what to do."""

from __future__ import annotations

import errno

import httpx2
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from pipelines.hub.cache import Download, HubCache
from pipelines.hub.download import ArrivedDamaged
from studio.errors import NotReady, StorageFailed
from studio.validation import short


def explained(error: Exception, wanted: Download, hub: HubCache) -> NotReady | StorageFailed:
    """What went wrong, as a sentence that says what to do."""
    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, HfHubHTTPError):
        error = error.__cause__  # huggingface_hub wraps the cause
    label, host, page = wanted.label, hub.host, hub.page(wanted)
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
    match error:
        case ArrivedDamaged():
            return NotReady(f"{error} Something between {host} and here alters it: try again later or elsewhere.")
        case GatedRepoError() if hub.token is None:
            return NotReady(
                f"{label} is gated: accept the licence at {page}, put HF_TOKEN=... in .env, and restart Diorama."
            )
        case GatedRepoError():
            return NotReady(
                f"{label} is gated and the HF_TOKEN in use has no access yet: accept the licence at {page} with the "
                "account of that token (a fine-grained one must be allowed to read gated repositories), then try again."
            )
        case HfHubHTTPError() if status == 401 and hub.token is not None:
            return NotReady(
                f"{host} does not accept the HF_TOKEN in use. Make a new one at {hub.endpoint}/settings/tokens, put "
                "it in .env, and restart Diorama."
            )
        case RepositoryNotFoundError() | RevisionNotFoundError():
            return NotReady(f"There is no {wanted.repo} at revision {wanted.revision} on {host}. Update Diorama.")
        case LocalEntryNotFoundError() | OfflineModeIsEnabled() | httpx2.TransportError():
            return NotReady(
                f"{label} has to be downloaded first, and {host} cannot be reached. Check the network and try again; "
                "what has arrived is kept."
            )
        case EntryNotFoundError():
            return NotReady(f"{wanted.repo} on {host} lacks files that {label} needs. Update Diorama.")
        case HfHubHTTPError() | httpx2.HTTPError():
            return NotReady(f"{host} answered {status or error}. Try again in a few minutes; what has arrived is kept.")
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return StorageFailed(
                f"The disk of {short(hub.cache)} is full. Free some space, or set HF_HOME to a folder on another "
                "disk, and try again; what has arrived is kept."
            )
        case _:
            reason = getattr(error, "strerror", None) or type(error).__name__
            return StorageFailed(
                f"{label} cannot be kept in {short(hub.cache)}: {reason}. Set HF_HOME to another folder."
            )
