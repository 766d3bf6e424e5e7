"""Who the page's person is to the app: the name under which they signed in. Knows no passwords."""

from __future__ import annotations

from fastapi import APIRouter, Request

from ui.guard.sign_in.signed_in import Accounts
from ui.routes.visitors import Visitors
from ui.shared.bridge import signed_in
from ui.shared.pictures import Answer


def router(visitors: Visitors, accounts: Accounts | None) -> APIRouter:
    """POST /diorama/account, for `Blocks.launch(app_kwargs={"routes": ...})`."""
    routes = APIRouter(prefix="/diorama")

    @routes.post("/account")
    def account(request: Request) -> Answer:
        visitors.sender(request)
        name = signed_in(request) or ""
        return {"name": name, "admin": bool(name and accounts and accounts.is_admin(name))}

    return routes
