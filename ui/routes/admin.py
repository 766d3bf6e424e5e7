"""The host's page over HTTP, and who is the host: whoever has the key that the terminal printed, signed in as an admin,
or is alone with this machine. What visitors wrote is not told: the page shows what they take, not what they make.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from studio import validation
from studio.errors import BadRequest
from studio.scheduling.contract import JobView
from studio.sharing.hosting import Hosting
from ui import admin
from ui.guard.sign_in.signed_in import Accounts, SignedIn
from ui.routes.answers import values_in
from ui.routes.visitors import NotAdmitted, Visitors
from ui.shared.bridge import signed_in
from ui.shared.pictures import Answer

HOST_HEADER = "X-Diorama-Host"
PATH = "/admin"
_OF_USER = "user-"


class Hosts:
    """Who may open the page.

    Args:
        key: what the terminal printed; "": nothing.
        is_alone: everybody who gets here is the person at this machine.
    """

    def __init__(
        self, visitors: Visitors, accounts: Accounts | None = None, *, key: str = "", is_alone: bool = False
    ) -> None:
        self._visitors, self._accounts, self._key, self._is_alone = visitors, accounts, key, is_alone

    def check(self, request: Request) -> None:
        """
        Raises:
            NotAdmitted: whoever asks is not the host.
        """
        given = request.headers.get(HOST_HEADER, "")
        if self._key and hmac.compare_digest(given.encode(), self._key.encode()):
            return
        name = signed_in(request)
        if name is not None and self._accounts is not None and self._accounts.is_admin(name):
            return
        if not self._is_alone:
            raise NotAdmitted(
                "This is the host's page. Open it by the link that Diorama printed in the terminal when it started."
            )
        self._visitors.sender(request)


def router(hosting: Hosting, hosts: Hosts, sessions: SignedIn | None) -> APIRouter:
    """GET /admin and POST /diorama/admin/..., for `Blocks.launch(app_kwargs={"routes": ...})`."""

    def pause(values: Answer) -> None:
        if not isinstance(values.get("paused"), bool):
            raise BadRequest(f"paused must be true or false, not {validation.shown(values.get('paused'))}.")
        hosting.pause(values["paused"])

    def sign_out(values: Answer) -> None:
        if sessions is not None:
            sessions.end(validation.text_in(values, "owner").removeprefix(_OF_USER))

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
    routes = APIRouter()
    page = admin.document()

    @routes.get(PATH)
    def look() -> Response:
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    def doing(act: Callable[[Answer], object]) -> Callable[..., object]:
        async def answer(request: Request) -> Answer:
            hosts.check(request)
            values = values_in(await request.body(), '{"owner": "..."}')
            await asyncio.to_thread(act, values)
            return await asyncio.to_thread(_state, hosting, sessions)

        return answer

    for name, act in actions.items():
        routes.add_api_route(f"/diorama/admin/{name}", doing(act), methods=["POST"], response_model=None)
    return routes


def _state(hosting: Hosting, sessions: SignedIn | None) -> Answer:
    names = set(dict(sessions or {}).values())
    disk = hosting.disk()
    visitors = [
        {
            "owner": use.owner,
            "name": _name(use.owner),
            "files": f"{use.files:,}",
            "size": _size(use.bytes),
            "last": time.strftime("%Y-%m-%d %H:%M", time.localtime(use.newest)),
            "signed": use.owner.removeprefix(_OF_USER) in names,
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
        return f"{job.position} before it"
    return "stopping" if job.stopping else f"step {job.step} of {job.steps}" if job.steps else "running"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
