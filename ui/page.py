"""The page: header and tabs. The one place that knows which tabs there are."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.routes import App
from gradio.tunneling import CURRENT_TUNNELS
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from studio.client_keys import ClientKeys
from studio.intake.picture import MAX_BYTES
from studio.service import Studio
from ui import gallery, generate, guard, iterate, models, quick, segment, solid
from ui.api import endpoints
from ui.generate import demo, presets
from ui.guard import sessions
from ui.guard.blocks import ReadableBlocks
from ui.guard.disk_space import Room, disk_full
from ui.guard.rates import AddressRates, noting, of_owners
from ui.guard.sign_in.people import People
from ui.guard.sign_in.signed_in import SignedIn, UserDirectory
from ui.guard.sub_path import SubPath
from ui.programs import routes as programs
from ui.programs.access import Access, Assistants
from ui.routes import (
    account,
    admin,
    answers,
    clouds,
    files,
    iterate as routes_iterate,
    quick as routes_quick,
    scripts,
    segment as routes_segment,
    sign_in,
    solid as routes_solid,
    uploads,
    visitors,
)
from ui.routes.visitors import Visitors
from ui.shared import header, past_words, pictures, watch
from ui.shared.bridge import QUIET, Bridge, Identify
from ui.shared.early_script import EarlyScript
from ui.shared.edition import EDITION
from ui.shared.header import build_header
from ui.shared.picker import build_picker
from ui.shared.scripts import component, function
from ui.shared.theme import head, theme

_TABS = (generate, iterate, segment, solid, gallery)
"""Modules with a LABEL and `build(bridge, arrival)`, in page order."""
_ANSWERING = (header, pictures, watch, past_words, presets, demo, quick, iterate, segment, solid, gallery)
_NOTHING_OF_GRADIO: dict[str, Any] = {
    "footer_links": [],
    "run_history": False,
    "enable_monitoring": False,
    "ssr_mode": False,
    "show_error": False,
}
QUESTIONS: dict[str, answers.Handler] = {path: ask for part in _ANSWERING for path, ask in part.ROUTES.items()}
"""Handlers for the page's scripts, by path, see `answers.json_router`; more routes are in `ui/routes/`."""
_ARRIVE = function("shared/scripts/server.js", "arrive")
_DAY = 86_400  # seconds
_MOST_CALLS = 2_000
"""Endpoint calls waiting in gradio's queue; further ones are told to try again later."""
_LOOKS_EVERY = 0.01
"""Seconds between gradio's checks of its queue; its default, a millisecond, takes 7 % of a core."""
_NEVER = sys.maxsize
"""Calls between gradio's statistics of all calls; its default, 1, takes 3 to 9 ms, for a page that is turned off."""


def build(
    studio: Studio, identify: Identify, *, machine: str = "", is_shared: bool = False, notice: str = ""
) -> gr.Blocks:
    """The whole page.

    Args:
        studio: what the page shows and asks.
        identify: (request, the browser's random token) -> owner.
        machine: this machine in a word or two ("CPU", "H200"); shown in the badge.
        is_shared: as for `launch_options`.
        notice: shown to everybody; "": nothing.
    """
    identify = noting(identify, studio.hosting.came_from) if is_shared else identify
    with ReadableBlocks(title="Diorama", analytics_enabled=False, fill_width=True, delete_cache=(_DAY, _DAY)) as page:
        visitor = gr.BrowserState("", storage_key="diorama-visitor", secret="diorama")
        bridge = Bridge(studio, identify, visitor)
        top = build_header(studio, machine, notice)
        arrival = page.load(None, [visitor], [visitor], js=_ARRIVE, **QUIET)
        outside = ("shared/viewer/viewer", "shared/dropping/dropping", "models/models")
        named = {"header": top, **{path.rpartition("/")[2]: component(path) for path in outside}}
        build_picker()
        with gr.Tabs(elem_id="tabs"):
            for tab in _TABS:
                id = tab.LABEL.lower()
                with gr.Tab(tab.LABEL, id=id, elem_id=f"{id}-tab"):
                    tab.build(bridge, arrival)
        arrival.then(bridge.open_listener(on_arrival, named), [visitor], [*named.values()], **QUIET)
    with page.route("Endpoints", "endpoints", show_in_navbar=False):  # keeps them out of the page itself
        endpoints.build(studio, Visitors(identify, studio.signing_key, rate=of_owners() if is_shared else None))
    page.queue(max_size=_MOST_CALLS)
    page._queue.sleep_when_free = _LOOKS_EVERY
    page._queue.ANAYLTICS_CACHE_FREQUENCY = _NEVER  # spelled so there
    return page


def close(page: gr.Blocks) -> None:
    """Stop its server at once, cutting off calls that only wait for news."""
    if page.server:
        page.server.force_exit = True
    log = logging.getLogger("uvicorn.error")
    was_disabled, log.disabled = log.disabled, True
    page.close(verbose=False)
    log.disabled = was_disabled
    for tunnel in CURRENT_TUNNELS:
        tunnel.kill()


def on_arrival(studio: Studio, token: str) -> dict[str, Any]:
    """The page was opened: give the visitor's token to the parts outside the tabs."""
    told = {"token": token}
    dropping = {"token": token, "mostBytes": MAX_BYTES}
    return {"header": told | {"edition": EDITION}, "viewer": told, "dropping": dropping, "models": told}


def launch_options(
    studio: Studio,
    identify: Identify,
    *,
    local_only: bool = False,
    hosts: Collection[str] = (),
    root_path: str = "",
    temporary: Path | None = None,
    accounts: UserDirectory | None = None,
    people: People | None = None,
    is_shared: bool = False,
    host_key: str = "",
    is_alone: bool = False,
    is_edition: str = EDITION,
    keys: ClientKeys | None = None,
    assistants: Callable[[Studio, Access], Assistants] | None = None,
) -> dict[str, Any]:
    """Arguments of `Blocks.launch` besides address and auth: the theme, our own routes, no telemetry.

    Args:
        local_only: refuse requests not addressed to this machine; see `guard.middleware`.
        hosts: more host names of the app, such as that of a reverse proxy.
        root_path: the path below which the page is served, such as "/diorama"; "" for none.
        temporary: a private folder for files on their way; None: gradio's.
        accounts: who may sign in with a password; None: nobody, or gradio knows them.
        people: who signs in with an external account; None: nobody.
        is_shared: limit request rates.
        host_key: opens the admin page, see `routes.admin.Hosts`.
        is_alone: everybody who gets here is the person at this machine, and so an admin.
        is_edition: open pages compare theirs with it.
        keys: API keys of programs; None: only programs that need none.
        assistants: makes the MCP server; None: there is none.
    """
    identify = noting(identify, studio.hosting.came_from) if is_shared else identify
    who = Visitors(identify, studio.signing_key, rate=of_owners() if is_shared else None)
    tools = [assistants(studio, Access(who, keys))] if assistants else []
    sessions_of_users = None if accounts is None else SignedIn(accounts)
    host = admin.Hosts(who, accounts, key=host_key, is_alone=is_alone)
    routes = [
        *_routes(studio, who, is_edition),
        *admin.router(studio.hosting, host, sessions_of_users, people).routes,
        *account.router(who, accounts, people).routes,
        *(sign_in.router(who, people).routes if people else ()),
        *models.router(studio, who, host).routes,
        *programs.routes_of(studio, who, keys),
        *(route for each in tools for route in each.routes),
    ]
    first = [Middleware(SubPath, path=root_path, routes=routes), *([Middleware(AddressRates)] if is_shared else [])]
    last = [Middleware(Room, folder=temporary), Middleware(EarlyScript)]
    lifespans = [each.lifespan for each in (sessions_of_users, *tools) if each is not None]  # falsy if empty
    guarded = guard.app_options(local_only=local_only, hosts=hosts)
    return {
        "theme": theme(),
        "head": head(),
        "app_kwargs": {
            "routes": routes,
            "lifespan": _together(guarded["lifespan"], sessions.lifespan, answers.lifespan, *lifespans),
            "exception_handlers": {**guarded["exception_handlers"], **answers.HANDLERS, OSError: disk_full},
            "middleware": [*first, *guarded["middleware"], *last],
        },
        "root_path": root_path,
        **_NOTHING_OF_GRADIO,
        "max_file_size": guard.MAX_BYTES,
    }


def _routes(studio: Studio, who: Visitors, edition: str) -> list[BaseRoute]:
    """The routes of the page's scripts, and the other pages."""
    routers = (
        routes_quick.router(),
        visitors.router(who),
        answers.json_router(studio, who, QUESTIONS),
        files.router(studio, who),
        scripts.router(edition),
        uploads.router(studio, who),
        routes_segment.router(studio, who),
        routes_solid.router(studio, who),
        clouds.router(studio, who),
        routes_iterate.router(studio, who),
    )
    return [route for router in routers for route in router.routes]


def _together(*lifespans: Callable[[App], AbstractAsyncContextManager[None]]) -> Any:
    """Several lifespans as one."""

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        async with AsyncExitStack() as entered:
            for each in lifespans:
                await entered.enter_async_context(each(app))
            yield

    return lifespan
