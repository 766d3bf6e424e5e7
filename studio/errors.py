"""Every error a person may read.

* StudioError             shown as it is: what happened, with the value, and what to do
  - BadRequest            a value that no model could use
  - BadPicture            an uploaded file that is no picture we take
    + TooLarge            it would be one, with fewer bytes
    + CutOff, Damaged     it was one
  - BadSplat              an uploaded file that is no splat we take, or a splat of which nothing is left
  - UnknownModel          no such model
  - NotSupported          the chosen model does not honour what was asked
  - NotReady              the model cannot run here, yet
  - NotFound              no such job or asset, or not this person's: the answer is the same
    + LinkNotFollowed     there was one, and a link is in the place of its file
  - OwnerRemoved          whoever asked for it may not come in any more
  - OutputsInUse          another Diorama works in the same outputs folder
  - StorageFailed         the disk did not take it
    + QuotaReached        one person's part of it is full
    + IndexBusy           another program holds the index: the same may be tried again
  - TooOften              more requests within a short time than one person may send
  - TooManyJobs           one person's queue is full
  - OverBudget            more than is spent in a day without asking; the same with the cost confirmed is taken
  - OutOfMemory           the model did not fit
  - GpuLost               the card, or the driver, has given up
  - Superseded            a newer click took its place
  - CloudFault            a provider did not give a picture; see providers/faults.py
* Cancelled, Skipped      not errors: Stop or "Skip this one" was pressed

Anything else is a bug: its traceback goes to the log and the page says "internal error".
"""

from __future__ import annotations

from collections.abc import Iterable


class StudioError(Exception):
    """Base of the errors the page, the CLI and the API show to a person."""


class BadRequest(StudioError):
    """A value that no model could use; the message names the value and the range."""


class BadPicture(StudioError):
    """An uploaded file that is no picture Diorama takes; the message says what it seems to be and what to do."""


class TooLarge(BadPicture):
    """A file of more bytes than are read at all."""


class CutOff(BadPicture):
    def __init__(self) -> None:
        super().__init__("This picture is cut off: a part of the file is missing. Copy or download it again.")


class Damaged(BadPicture):
    def __init__(self) -> None:
        super().__init__(
            "This picture is damaged and cannot be decoded. Copy or download it again, or save it again as PNG or JPEG."
        )


class BadSplat(StudioError):
    """A file that is no splat Diorama takes, or a splat with nothing left in it; the message says why."""


class UnknownModel(StudioError):
    def __init__(self, model_id: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no model '{_short(model_id)}'. Choose one of: {', '.join(known)}.")


class NotSupported(StudioError):
    """The chosen model does not honour what was asked; the message says which model or value would."""


class NotReady(StudioError):
    """The model cannot run here, yet; the message says what it needs."""


class NotFound(StudioError):
    def __init__(self, what: str, id: object) -> None:
        super().__init__(f"There is no {what} '{_short(str(id))}' here. It may have been deleted; reload the page.")


class LinkNotFollowed(NotFound):
    def __init__(self, name: str) -> None:
        StudioError.__init__(
            self, f"A link is in the place of the file '{name}', and links are not followed. Put the file itself back."
        )


class OwnerRemoved(StudioError):
    """Nothing is made, or kept, for somebody who was removed in the meantime."""

    def __init__(self) -> None:
        super().__init__("This user was removed from Diorama, so nothing more is kept for them.")


class OutputsInUse(StudioError):
    def __init__(self, folder: object) -> None:
        super().__init__(
            f"Another Diorama is working in {folder}. Close it first, or start this one with --outputs ANOTHER_FOLDER."
        )


class StorageFailed(StudioError):
    """The disk did not take it; the message names the folder and the reason."""


class QuotaReached(StorageFailed):
    """One person keeps as much as this Diorama keeps for one; there is nothing left in their trash."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(
            f"Your pictures take {most_bytes / 1e9:.3g} GB, the limit for one person here. Delete some, then try again."
        )


class TooOften(StudioError):
    """One person asks more often than the others can bear; the message says how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many requests at once. Wait {seconds} second{'s' * (seconds != 1)}, then try again.")
        self.seconds = seconds


class IndexBusy(StorageFailed):
    """Another program holds the index, so nothing was changed; the message names the file."""

    def __init__(self, path: object) -> None:
        super().__init__(f"Another program holds the index {path}. Close it, or wait until it is done, and try again.")


class TooManyJobs(StudioError):
    def __init__(self, limit: int, *, are_all: bool = False, of_address: bool = False) -> None:
        """
        Args:
            are_all: they are everybody's together.
            of_address: they are of all who come from one address.
        """
        if of_address:
            super().__init__(f"{limit:,} jobs from your address are waiting already. Try again in a few minutes.")
        elif are_all:
            super().__init__(f"{limit:,} jobs are waiting already. Try again in a few minutes.")
        else:
            super().__init__(f"You already have {limit} jobs waiting. Wait for one to finish, or stop one.")


class OverBudget(StudioError):
    """It costs more than the daily cap leaves; the message says both, and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} Confirm the cost to spend it anyway (API: confirm_cost, CLI: --confirm-cost).")
        self.reason = reason


class OutOfMemory(StudioError):
    """The model did not fit; the message says what to try."""


class GpuLost(StudioError):
    def __init__(self) -> None:
        super().__init__(
            "The GPU stopped answering, and the models were unloaded. Diorama starts again by itself and then "
            "does what waits. Ask for this again."
        )


class Superseded(StudioError):
    def __init__(self) -> None:
        super().__init__("A newer click replaced this one.")


class CloudFault(StudioError):
    """A provider did not give what was asked for; the message has its reason. `providers.faults` tells kinds apart."""


class Cancelled(Exception):
    """Raised by `tell` once Stop was pressed."""


class Skipped(Exception):
    """Raised by `tell` once "Skip this one" was pressed: leave this picture, go on with the next."""


def _short(value: str) -> str:
    """User text made fit for a sentence: control characters gone, at most 60 characters."""
    text = "".join(character for character in value if character.isprintable())
    return text if len(text) <= 60 else text[:57] + "..."
