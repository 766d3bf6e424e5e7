"""The admin page over HTTP, and who is an admin: whoever has the key printed in the terminal, signed in as one, or is
the only user of this machine. What visitors write stays private: the page shows usage, not content.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute

from studio import validation
from studio.errors import BadRequest
from studio.scheduling.contract import JobView
from studio.sharing.hosting import Hosting
from ui import admin
from ui.guard.sign_in.people import People
from ui.guard.sign_in.signed_in import SignedIn, UserDirectory
from ui.routes.answers import Handler, admitted_router
from ui.routes.visitors import NotAdmitted, Visitors
from ui.shared.bridge import signed_in
from ui.shared.pictures import Answer

HOST_HEADER = "X-Diorama-Host"
PATH = "/admin"
_OF_USER = "user-"


class Hosts:
    """Who may open the page.

    Args:
        key: the one printed in the terminal; "": none.
        is_alone: everybody who gets here is the person at this machine.
    """

    def __init__(
        self, visitors: Visitors, accounts: UserDirectory | None = None, *, key: str = "", is_alone: bool = False
    ) -> None:
        self._visitors, self._accounts, self._key, self._is_alone = visitors, accounts, key, is_alone

    def check(self, request: Request) -> None:
        """Raises NotAdmitted unless the request comes from an admin."""
        if not self.is_host(request):
            raise NotAdmitted(
                "This is the admin page. Open it with the link that Diorama printed in the terminal at startup."
            )
        if self._is_alone:
            self._visitors.sender(request)

    def is_host(self, request: Request) -> bool:
        """Whether a request comes from an admin, assuming it does not come from a foreign page."""
        given = request.headers.get(HOST_HEADER, "")
        if self._key and hmac.compare_digest(given.encode(), self._key.encode()):
            return True
        name = signed_in(request)
        is_admin = name is not None and self._accounts is not None and self._accounts.is_admin(name)
        return is_admin or self._is_alone


def router(hosting: Hosting, hosts: Hosts, sessions: SignedIn | None, people: People | None = None) -> APIRouter:
    """GET /admin and POST /diorama/admin/..., for `Blocks.launch(app_kwargs={"routes": ...})`.

    Args:
        sessions, people: who is signed in, with a password or an external account; None: no sign-in.
    """

    def pause(values: Answer) -> None:
        if not isinstance(values.get("paused"), bool):
            raise BadRequest(f"paused must be true or false, not {validation.shown(values.get('paused'))}.")
        hosting.pause(values["paused"])

    def sign_out(values: Answer) -> None:
        if sessions is not None:
            sessions.end(validation.text_in(values, "owner").removeprefix(_OF_USER))
        if people is not None:
            people.end(validation.text_in(values, "owner"))

    def remove(values: Answer) -> None:
        sign_out(values)
        hosting.remove(validation.text_in(values, "owner"))

    actions: dict[str, Callable[[Answer], object]] = {
        "state": lambda _values: None,
        "pause": pause,
        "stop": lambda values: hosting.stop(validation.text_in(values, "id")),
        "sign-out": sign_out,
        "remove": remove,
    }

    def doing(act: Callable[[Answer], object]) -> Handler:
        def answer(_owner: None, values: Answer) -> Answer:
            act(values)
            return _state(hosting, sessions, people)

        return answer

    handlers = {f"admin/{name}": doing(act) for name, act in actions.items()}
    routes, page = admitted_router(hosts.check, handlers, '{"owner": "..."}'), admin.document()

    def look() -> Response:
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    routes.routes.append(APIRoute(PATH, look))  # without the others' prefix
    return routes


def _state(hosting: Hosting, sessions: SignedIn | None, people: People | None) -> Answer:
    signed = {f"{_OF_USER}{name}" for name in dict(sessions or {}).values()} | (people.owners() if people else set())
    disk = hosting.disk()
    visitors = [
        {
            "owner": use.owner,
            "name": _name(use.owner),
            "files": f"{use.files:,}",
            "size": _size(use.bytes),
            "last": time.strftime("%Y-%m-%d %H:%M", time.localtime(use.newest)),
            "signed": use.owner in signed,
        }
        for use in hosting.visitors()
    ]
    jobs = [{"id": job.id, "name": _name(job.owner), "what": _what(job), "state": _how(job)} for job in hosting.jobs()]
    room = f"{_size(disk.free)} of {_size(disk.total)} are free on the disk."
    return {"paused": hosting.is_paused, "disk": room, "jobs": jobs, "visitors": visitors}


def _name(owner: str) -> str:
    if owner.startswith(_OF_USER):
        return owner.removeprefix(_OF_USER)
    return "this machine" if owner == "local" else f"visitor {owner[:8]}"


def _what(job: JobView) -> str:
    return f"{job.task.value}, {job.model}" + (f", {job.pictures} pictures" if job.pictures > 1 else "")


def _how(job: JobView) -> str:
    if job.state == "waiting":
        return f"{job.position} ahead of it"
    return "stopping" if job.stopping else f"step {job.step} of {job.steps}" if job.steps else "running"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
