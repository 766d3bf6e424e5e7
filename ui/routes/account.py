"""The name under which the page's user is signed in, here or with an external account. Knows no passwords."""

from __future__ import annotations

from fastapi import APIRouter, Request

from ui.guard.sign_in.people import People
from ui.guard.sign_in.signed_in import UserDirectory
from ui.routes.visitors import Visitors
from ui.shared.bridge import signed_in
from ui.shared.pictures import Answer


def router(visitors: Visitors, accounts: UserDirectory | None, people: People | None = None) -> APIRouter:
    """POST /diorama/account, for `Blocks.launch(app_kwargs={"routes": ...})`."""
    routes = APIRouter(prefix="/diorama")

    @routes.post("/account")
    def account(request: Request) -> Answer:
        visitors.sender(request)
        if people is not None:
            return {"name": people.name_of(request.cookies), "admin": False, "with": people.provider}
        name = signed_in(request) or ""
        return {"name": name, "admin": bool(name and accounts and accounts.is_admin(name))}

    return routes
