"""Two visitors: whatever one of them asks for with ids of the other's, there is no such thing, in every way in.

The ways are taken from the app itself, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import httpx
import numpy as np
import pytest
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

import app
from commands.sharing import identity
from studio.contract import GenerateRequest
from studio.recipe import png_text
from studio.recipe.course import CourseRecipe
from studio.recipe.selection import from_json
from studio.scheduling.contract import Done
from studio.service import Studio
from studio.solid.contract import SolidRequest
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from tests.studio.fakes import finished, until
from tests.studio.recipe.test_recipe import RECIPE
from tests.studio.selecting_fake import colour_spec
from tests.studio.turning_fake import FakeSplats, disc_png, turning_specs
from tests.ui.painter import Brush, catalog
from tests.ui.retoucher import retouchers
from tests.ui.serve import everybody_by_token, served
from ui import page
from ui.routes.visitors import LINK_SECONDS, TOKEN_HEADER, NotAdmitted, Visitors

ADA, GRACE = "ada's secret token", "grace's secret token"
ALIKE = {
    f"/diorama/{path}"
    for path in ("account", "clouds", "keys", "models", "readiness", "watch", "iterate/models", "presets/list")
}
ALIKE |= {"/diorama/segment/recent", "/diorama/segment/warm", "/diorama/3d/recent", "/diorama/quick/models"}
"""Routes that name nothing of anybody's: they answer whoever asks with their own."""
SAME = ("/diorama/quick/manifest.json", "/diorama/quick/worker.js")
"""What the pages are made of, the same for everybody."""
SECRET = "zephyr"
"""A word in every title of Ada's that nobody else may read."""

COLOUR = (201, 7, 93)
"""Of Ada's pictures, and of nothing else in the world."""
_PICTURE = re.compile(rb"data:image/\w+;base64,([\w+/=]+)|\"([\w+/=]{200,})\"")


class Site(NamedTuple):
    """The app, and what Ada has there."""

    url: str
    app: FastAPI
    studio: Studio
    ids: dict[str, str]  # by kind
    job: str
    pace: Brush

    def ours(self) -> list[APIRoute]:
        ours = [route for route in self.app.routes if isinstance(route, APIRoute) and "/diorama/" in route.path]
        return [route for route in ours if "/scripts/" not in route.path and route.path not in SAME]

    def as_visitor(self, token: str = "") -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS, headers={TOKEN_HEADER: token} if token else {})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    pace = Brush(0.005)
    models = [*catalog(pace), *retouchers(pace), colour_spec(), *turning_specs(splats=FakeSplats(300))]
    studio = Studio(models, tmp_path_factory.mktemp("outputs"))
    demo = page.build(studio, everybody_by_token)
    options = page.launch_options(studio, everybody_by_token)
    port = free_port()
    server, url, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", server_port=port, **options
    )
    yield Site(url, server, studio, *furnish(studio), pace)
    demo.close()
    studio.close()


def furnish(studio: Studio) -> tuple[dict[str, str], str]:
    """One thing of every kind, and a job."""
    photo = io.BytesIO()
    Image.new("RGB", (64, 48), COLOUR).save(photo, "PNG")
    picture = studio.take_in(ADA, photo.getvalue(), f"{SECRET} photo.png").id
    disc = studio.take_in(ADA, disc_png(), f"{SECRET} disc.png").id
    kept = studio.selections.keep(ADA, from_json({"picture": picture, "points": [[5, 5, 1]]}), f"{SECRET} object").id
    job = studio.solids.make(ADA, SolidRequest(disc, views=(disc, disc, disc, disc))).id
    *_, last = studio.events(ADA, job)
    assert isinstance(last, Done)
    view = studio.solids.replace_view(ADA, disc, 1, picture).id
    recipe = replace(RECIPE, owner=ADA, title=f"{SECRET} film", course=CourseRecipe((0.5,), 2))
    film = studio._store.save(Image.new("RGB", (64, 48), COLOUR), recipe, b"an MP4").id
    ids = {"picture": picture, "disc": disc, "object": kept, "view": view, "splat": last.assets[0], "film": film}
    return ids, job


def told(answer: httpx.Response) -> str:
    """What an answer says, also inside of a picture or a zip."""
    return answer.content.decode("latin-1")


def request_to(site: Site, query: bytes = b"") -> Request:
    scope = {"type": "http", "method": "GET", "scheme": "http", "path": "/", "headers": [(b"host", b"localhost")]}
    return Request(scope | {"query_string": query, "app": site.app})


def state_of(studio: Studio) -> list[Any]:
    return [(one, one.title) for one in studio.gallery(ADA, limit=200).assets]


# --- files ------------------------------------------------------------------------------------------------------------


def test_every_route_with_an_id_answers_its_owner_only(site: Site):
    routes = [route for route in site.ours() if "{" in route.path]
    assert len(routes) >= 7
    for route in routes:
        for method in route.methods or ():
            answers = {}
            for token in (ADA, GRACE, ""):
                with site.as_visitor(token) as visitor:
                    paths = [route.path.format_map({"asset_id": id}) for id in site.ids.values()]
                    answers[token] = [visitor.request(method, path) for path in paths]
            assert any(answer.is_success for answer in answers[ADA]), route.path
            assert {answer.status_code for answer in answers[GRACE]} == {404}, route.path
            assert {answer.status_code for answer in answers[""]} == {401}, route.path
            assert not any("owner" in (answer.headers.get("location") or "") for answer in answers[ADA])


def test_an_owner_in_the_address_says_nothing(site: Site):
    asset = site.ids["picture"]
    with site.as_visitor() as stranger, site.as_visitor(GRACE) as grace:
        assert stranger.get(f"diorama/picture/{asset}", params={"owner": ADA}).status_code == 401
        assert grace.get(f"diorama/picture/{asset}", params={"owner": ADA}).status_code == 404
        assert stranger.get("diorama/zip", params={"owner": ADA, "ids": asset}).status_code == 401
        assert stranger.post("diorama/zip", data={"owner": ADA, "ids": asset}).status_code == 401
        assert grace.post("diorama/zip", data={"owner": ADA, "ids": asset}).status_code == 404


def test_every_other_route_tells_nothing_of_somebody_elses_and_changes_nothing(site: Site):
    ids, before = site.ids, state_of(site.studio)
    body = {"id": ids["picture"], "ids": [*ids.values()], "source": ids["picture"], "instruction": "make it red"}
    body |= {"picture": ids["picture"], "object": ids["disc"], "splat": ids["splat"], "on": ids["disc"]}
    body |= {"points": [[5, 5, 1]], "start": ids["object"], "index": 0, "title": "mine", "views": [ids["view"]] * 4}
    body |= {"after": site.job, "keep": [ids["view"]] * 4, "references": [ids["picture"]], "name": "mine"}
    with site.as_visitor(GRACE) as grace:
        for route in site.ours():
            if "{" in route.path or route.path in ("/diorama/visit", "/diorama/edition"):
                continue
            for method in route.methods or ():
                asked = {"params" if method == "GET" else "json": body}
                answer = grace.request(method, route.path, **asked)  # pyright: ignore[reportArgumentType]
                assert answer.status_code >= 400 or route.path in ALIKE, route.path
                assert SECRET not in told(answer)
    assert state_of(site.studio) == before
    assert not site.studio.gallery(GRACE, limit=200).assets


def shows_her_colour(content: bytes) -> bool:
    """Whether there is a picture in an answer, as it is or in its JSON, with her colour in it."""
    found = [content, *(base64.b64decode(one or other) for one, other in _PICTURE.findall(content))]
    for each in found:
        try:
            with Image.open(io.BytesIO(each)) as image:
                pixels = np.asarray(image.convert("RGB").resize((16, 16), Image.Resampling.NEAREST)).astype(int)
        except OSError:
            continue  # no picture
        if (np.abs(pixels - COLOUR).max(axis=2) < 12).any():
            return True
    return False


def test_no_route_of_the_whole_app_shows_words_or_colours_of_somebody_else_or_touches_their_job(site: Site):
    """Gradio's routes and those for other programs among them, while a job of hers runs."""
    ids, before = site.ids, state_of(site.studio)
    with site.as_visitor(ADA) as ada:
        assert shows_her_colour(ada.get(f"diorama/picture/{ids['picture']}").content)
        assert shows_her_colour(ada.get(f"diorama/thumb/{ids['picture']}").content)
    site.pace.hold()
    running = site.studio.generate(ADA, GenerateRequest(f"{SECRET} red ball", "toy"))
    until(site.studio, running, lambda job: job.state == "running")
    body = {"id": ids["picture"], "ids": [*ids.values()], "image": ids["picture"], "picture_id": ids["picture"]}
    body |= {"job_id": running.id, "event_id": running.id, "session_hash": ADA, "token": GRACE, "data": [running.id]}
    ways = [
        (method, route.path or "") for route in iter_route_contexts(site.app.routes) for method in route.methods or ()
    ]
    assert len(ways) > 100
    with site.as_visitor(GRACE) as grace:
        grace.headers["Authorization"] = f"Bearer {GRACE}"
        for method, path in ways:
            if path in ("/login", "/login/", "/logout"):
                continue
            for id in (ids["picture"], running.id) if "{" in path else ("",):
                where = re.sub(r"{[^}]*}", id, path)
                asked = {"params": body} if method in ("GET", "HEAD") else {"json": body}
                with grace.stream(method, where, **asked) as answer:  # pyright: ignore[reportArgumentType]
                    if "event-stream" in answer.headers.get("content-type", ""):
                        continue  # which says nothing for as long as one listens
                    content = answer.read()
                assert SECRET.encode() not in content, (method, path)
                assert not shows_her_colour(content), (method, path)
    assert site.studio.job(ADA, running.id).state == "running"
    site.pace.go()
    assert finished(site.studio, running).state == "done"
    site.studio.delete(ADA, site.studio.job(ADA, running.id).assets)
    assert state_of(site.studio) == before


# --- calls of the page's scripts, and endpoints -----------------------------------------------------------------------


def test_every_call_of_the_page_tells_nothing_of_somebody_elses_and_changes_nothing(site: Site):
    ids, before = site.ids, state_of(site.studio)
    asked = 0
    with site.as_visitor(GRACE) as http:
        for path in page.QUESTIONS:
            for id in (*ids.values(), site.job):
                question = {"id": id, "ids": [id], "starred": True, "after": "", "wait": 0}
                question |= {"query": SECRET, "model": "", "kind": "", "limit": 24}
                assert SECRET not in told(http.post(f"diorama/{path}", json=question)), path
                asked += 1
    assert asked > 50
    assert state_of(site.studio) == before
    assert not site.studio.gallery(GRACE, limit=200).assets


def test_every_endpoint_refuses_ids_of_somebody_else(site: Site):
    ids, before = site.ids, state_of(site.studio)
    known = {"picture_id": ids["picture"], "object_id": ids["disc"], "splat_id": ids["splat"], "job_id": site.job}
    client = Client(site.url, verbose=False, download_files=False)
    endpoints = httpx.get(f"{site.url}gradio_api/info").json()["named_endpoints"]
    refused = set()
    for name, endpoint in endpoints.items():
        wanted = {one["parameter_name"] for one in endpoint["parameters"]}
        if not wanted & known.keys():
            continue
        values: dict[str, Any] = {key: value for key, value in known.items() if key in wanted and key != "object_id"}
        values |= {"object_id": ids["disc"]} if "object_id" in wanted else {}
        values |= {"instruction": "make it red"} if "instruction" in wanted else {}
        values |= {"points": [[5, 5]]} if "points" in wanted else {}
        values |= {"erasures": [{"regions": [{"box": [0, 0, 0, 1, 1, 1]}]}]} if "erasures" in wanted else {}
        with pytest.raises(AppError, match=r"There is no |provider"):
            client.predict(**values, token=GRACE, api_name=name)
        refused.add(name)
    client.close()
    assert {"/job", "/cancel", "/settings", "/tree", "/iterate", "/segment", "/splat", "/export_splat"} <= refused
    assert state_of(site.studio) == before


def test_ids_of_somebody_elses_in_a_file_reveal_nothing(site: Site):
    """A picture that says it was made of Ada's, brought by Grace."""
    file, ids = io.BytesIO(), site.ids
    said = replace(RECIPE, parents=(*ids.values(),), job_id=site.job, id=ids["picture"], owner=ADA, title="forged")
    Image.new("RGB", (64, 48), "teal").save(file, "PNG", pnginfo=png_text(said))
    forged = site.studio.take_in("forger", file.getvalue(), "x.png")
    assert forged.id not in ids.values()
    with site.as_visitor("forger") as forger:
        for path in page.QUESTIONS:
            question = {"id": forged.id, "after": "", "wait": 0}
            assert SECRET not in told(forger.post(f"diorama/{path}", json=question)), path
        nodes = forger.post("diorama/tree", json={"id": forged.id}).json()["nodes"]
        assert [node["id"] for node in nodes] == [forged.id]
        for path in ("tree/replay", "iterate", "segment", "objects"):
            body = {"id": forged.id, "source": ids["picture"], "picture": ids["picture"], "instruction": "x"}
            assert not forger.post(f"diorama/{path}", json=body | {"points": [[5, 5, 1]]}).is_success
    relatives = site.studio.relatives(ADA, ids["picture"])
    assert forged.id not in {one.id for one in relatives.children}
    assert forged.id not in {node.asset.id for node in site.studio.tree(ADA, ids["picture"]).nodes}


# --- cookies and links ------------------------------------------------------------------------------------------------


def test_a_visit_gives_a_cookie_that_reads_files_and_does_nothing_else(site: Site):
    picture = f"diorama/picture/{site.ids['picture']}"
    with site.as_visitor() as browser:
        answer = browser.post("diorama/visit", headers={TOKEN_HEADER: ADA})
        cookie = answer.headers["set-cookie"]
        assert "; HttpOnly; SameSite=Strict" in cookie and "Secure" not in cookie and "; Path=/;" in cookie
        assert ADA not in cookie
        assert browser.get(picture).status_code == 200
        assert browser.get("diorama/zip", params={"ids": site.ids["picture"]}).status_code == 200
        for route in site.ours():
            for method in {*(route.methods or ())} - {"GET"}:
                if route.path not in ("/diorama/zip", "/diorama/visit"):
                    assert browser.request(method, route.path, json={}).status_code == 401, route.path
        assert browser.get("diorama/tree", params={"id": site.ids["picture"]}).status_code == 401
        browser.post("diorama/visit", headers={TOKEN_HEADER: GRACE})
        assert browser.get(picture).status_code == 404
        browser.cookies.clear()
        assert browser.get(picture).status_code == 401


@pytest.mark.parametrize(
    "wrong", ["", "x", "{owner}", "{owner}.", "{owner}.00", ".{signature}", "grace.{signature}", "é.é"]
)
def test_a_cookie_that_was_not_given_says_nothing(site: Site, wrong: str):
    with site.as_visitor() as browser:
        given = browser.post("diorama/visit", headers={TOKEN_HEADER: ADA}).headers["set-cookie"].partition(";")[0]
        name, _, value = given.partition("=")
        owner, _, signature = value.rpartition(".")
        browser.cookies.clear()
        sent = f"{name}={wrong.format(owner=owner, signature=signature)}".encode("latin-1")
        assert browser.get(f"diorama/picture/{site.ids['picture']}", headers={b"Cookie": sent}).status_code == 401


def test_over_https_the_cookie_is_secure(site: Site):
    headers = {TOKEN_HEADER: ADA, "X-Forwarded-Proto": "https"}
    with site.as_visitor() as browser:
        cookie = browser.post("diorama/visit", headers=headers).headers["set-cookie"]
        assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")


def test_a_link_of_the_api_opens_its_file_alone_for_whoever_has_it(site: Site):
    client = Client(site.url, verbose=False, download_files=False)
    pictures = {one["id"]: one for one in client.predict(limit=200, token=ADA, api_name="/gallery")["pictures"]}
    export = client.predict(splat_id=site.ids["splat"], format="spz", token=ADA, api_name="/export_splat")
    client.close()
    link = pictures[site.ids["picture"]]["url"]
    assert link.startswith(site.url) and ADA not in link.partition("?")[0]
    with httpx.Client() as stranger:
        assert stranger.get(link).headers["content-type"] == "image/png"
        assert "attachment" in stranger.get(f"{link}&download=1").headers["content-disposition"]
        assert len(stranger.get(export["url"]).content) == export["bytes"]
        other = site.ids["disc"]
        wrong = [link.replace(site.ids["picture"], other), link.replace("/picture/", "/thumb/"), link[:-1] + "!"]
        wrong += [link + "&trash=1", link.replace("owner=ada", "owner=grace"), export["url"].replace("spz", "glb")]
        for address in wrong:
            assert stranger.get(address).status_code == 401, address
        site.studio.delete(ADA, [site.ids["picture"]])
        assert stranger.get(link).status_code == 404
        site.studio.restore(ADA, [site.ids["picture"]])
        assert stranger.get(link).status_code == 200


def test_a_link_is_over_after_an_hour(site: Site):
    now = 1_000_000.0
    clock = Visitors(everybody_by_token, b"k" * 32, now=lambda: now)
    address = "diorama/picture/1"
    link = httpx.URL(clock.caller(gr.Request(request_to(site)), ADA).link(address))
    ask = request_to(site, link.query)
    assert clock.reader(ask, address) == ADA
    now += LINK_SECONDS + 1
    with pytest.raises(NotAdmitted, match="expired"):
        clock.reader(ask, address)


def test_a_link_says_where_the_app_is_from_outside(site: Site):
    headers = {"X-Forwarded-Host": "pictures.example", "X-Forwarded-Proto": "https"}
    with site.as_visitor() as http:
        event = http.post("gradio_api/call/gallery", json={"data": ["", False, "", "", "", 1, ADA]}, headers=headers)
        lines = http.get(f"gradio_api/call/gallery/{event.json()['event_id']}").text
    answer = json.loads(lines.partition("data: ")[2].splitlines()[0])
    assert answer[0]["pictures"][0]["url"].startswith("https://pictures.example/diorama/picture/")


# --- with names and passwords, and on this machine --------------------------------------------------------------------


def test_with_a_password_who_signed_in_is_given_their_files_and_a_link_needs_no_cookie(tmp_path: Path):
    names = {"ada": "lovelace", "grace": "hopper"}
    identify = identity.identify_by(app.parse([f"--auth={name}:{word}" for name, word in names.items()]))
    studio = Studio(catalog(Brush()), tmp_path)
    picture = studio.take_in("user-ada", disc_png(), "disc.png").id
    with served(studio, identify, auth=[*names.items()]) as url:
        browsers = {name: httpx.Client(base_url=url) for name in (*names, "")}
        for name, word in names.items():
            browsers[name].post("login", data={"username": name, "password": word}).raise_for_status()
            browsers[name].post("diorama/visit", headers={TOKEN_HEADER: ""}).raise_for_status()
        assert browsers[""].post("diorama/visit", headers={TOKEN_HEADER: ADA}).status_code == 401
        for name, headers, status in (
            ("ada", {}, 200),
            ("grace", {}, 404),
            ("grace", {TOKEN_HEADER: ADA}, 404),
            ("", {}, 401),
            ("", {TOKEN_HEADER: "user-ada"}, 401),
        ):
            for path in (f"picture/{picture}", f"thumb/{picture}", f"crop/{picture}", f"zip?ids={picture}"):
                answer = browsers[name].get(f"diorama/{path}", headers=headers)
                assert answer.status_code == status, (name, path)
        told = browsers["ada"].post("gradio_api/call/gallery", json={"data": ["", False, "", "", "", 1, ""]}).json()
        lines = browsers["ada"].get(f"gradio_api/call/gallery/{told['event_id']}").text
        (shown,) = json.loads(lines.partition("data: ")[2].splitlines()[0])[0]["pictures"]
        assert browsers[""].get(shown["url"]).headers["content-type"] == "image/png"
        visits = {cookie.name: cookie.value or "" for cookie in browsers["ada"].cookies.jar if "visitor" in cookie.name}
        assert httpx.get(f"{url}diorama/picture/{picture}", cookies=visits).status_code == 401  # it signs nobody in
        for browser in browsers.values():
            browser.close()
    studio.close()


def test_on_this_machine_the_person_needs_neither_cookie_nor_token(tmp_path: Path):
    studio = Studio(catalog(Brush()), tmp_path)
    picture = studio.take_in(identity.LOCAL_OWNER, disc_png(), "disc.png").id
    with served(studio, identity.identify_by(app.parse([]))) as url:
        address = f"{url}diorama/picture/{picture}"
        assert httpx.get(address).status_code == 200
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
        assert httpx.get(address, headers=foreign).status_code == 403
    studio.close()
