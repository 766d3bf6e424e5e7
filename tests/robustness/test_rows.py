"""The 90 rows of the project's list of bad inputs: where each is sent over HTTP, and those that had no test yet."""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.robustness.site import ADA, GRACE, Site
from tests.studio.fakes import finished
from tests.studio.pictures_in import corners, saved
from tests.ui.api.test_bad_input import assert_sentence

TESTS = Path(__file__).parents[1]
BAD, ITERATE, SPLAT, SEGMENT = (
    f"ui/api/test_{name}.py" for name in ("bad_input", "bad_iterate", "bad_splat", "segment")
)
GUARD, ROUTES, OWNERS, HERE = (
    "ui/guard/test_guard.py",
    "ui/guard/test_routes.py",
    "ui/api/test_owners.py",
    "robustness/test_rows.py",
)
ROWS: dict[str, tuple[str, str]] = {
    "1-3 12-34": (BAD, "test_a_wrong_order_is_refused_with_a_sentence"),
    "4-11": (BAD, "test_odd_words_make_a_picture_and_stay_words"),
    "35 37": (ITERATE, "test_35_and_37_what_is_not_yours_or_deleted_is_not_there"),
    "36 38": (ITERATE, "test_36_and_38_what_is_no_id_is_refused"),
    "39 41": (ITERATE, "test_39_and_41_values_that_cannot_be_are_named"),
    "40": (ITERATE, "test_40_a_mask_of_another_size_is_refused"),
    "42 44-46 52": (BAD, "test_an_odd_picture_comes_in_plain_and_carries_nothing_along"),
    "43 47-51 53": (BAD, "test_a_wrong_file_is_refused_with_a_sentence"),
    "54": (BAD, "test_54_a_data_address_of_107_megabytes_is_refused"),
    "55 56 59 62": (SEGMENT, "test_what_cannot_be_is_refused_with_a_sentence_that_names_it"),
    "57": (HERE, "test_57_a_million_points_are_refused_unread"),
    "58": (HERE, "test_57_and_58_points_without_end_and_labels_that_do_not_fit_are_refused"),
    "60": (SEGMENT, "test_what_is_no_selection_at_all_is_refused"),
    "61": (SEGMENT, "test_a_request_without_the_header_is_not_answered"),
    "63": (HERE, "test_63_a_picture_of_one_pixel_is_selected_and_kept"),
    "64": (HERE, "test_64_two_who_click_at_once_are_given_masks_of_their_own_pictures"),
    "65-67": (SPLAT, "test_objects_of_which_nothing_can_be_turned_are_refused"),
    "68-71 73": (SPLAT, "test_a_file_that_is_no_splat_is_refused_with_a_sentence"),
    "72": (SPLAT, "test_a_big_endian_file_and_one_with_a_few_bad_splats_are_taken"),
    "74 75": (HERE, "test_74_and_75_no_path_and_no_address_opens_a_file"),
    "76": (HERE, "test_76_an_absurd_range_is_answered_in_bounds"),
    "77": (BAD, "test_77_another_name_for_this_machine_is_refused"),
    "78": (ROUTES, "test_a_foreign_page_is_refused_by_every_route"),
    "79": (GUARD, "test_a_boundary_of_a_megabyte_is_refused"),
    "80": (BAD, "test_80_a_file_name_is_only_a_title"),
    "81": (GUARD, "test_a_form_of_ten_thousand_and_one_parts_is_refused_and_leaves_no_file"),
    "82": (GUARD, "test_a_compressed_body_is_not_unpacked"),
    "83": (GUARD, "test_ten_thousand_headers_are_refused"),
    "84": (GUARD, "test_a_wrong_place_in_the_queue_is_refused_and_the_next_call_answered"),
    "85": (HERE, "test_85_somebody_elses_event_is_cancelled_and_their_job_is_not"),
    "86": (ROUTES, "test_guesses_are_slowed_down_for_their_address_and_the_right_password_is_taken_elsewhere"),
    "87": (HERE, "test_87_who_never_reads_delays_nobody"),
    "88": (HERE, "test_88_the_session_of_another_gives_nothing_away"),
    "89": (OWNERS, "test_an_owner_in_the_address_says_nothing"),
    "90": (HERE, "test_90_settings_of_a_strange_file_are_text"),
}
"""Numbers as in the list, and the test that sends them, in a file below tests/."""


def test_every_row_is_sent_over_http_somewhere():
    rows = list[int]()
    for told, (file, test) in ROWS.items():
        source = (TESTS / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {test}\(", source, re.MULTILINE), (file, test)
        for part in told.split():
            first, _, last = part.partition("-")
            rows += (numbers := range(int(first), int(last or first) + 1))
            for number in numbers if file in (BAD, SPLAT) else ():  # whose tables say the numbers
                assert re.search(rf'["_]{number}[ _]|Rows?.*\b{number}\b', source) or number in (66,), (file, number)
    assert sorted(rows) == [*range(1, 91)]


POINTS = {
    "57 more points than anybody clicks": {"points": [[1, 1]] * 10_000},
    "58 fewer labels than points": {"points": [[1, 1], [2, 2]], "labels": [1]},
    "58 more labels than points": {"points": [[1, 1]], "labels": [1, 0]},
    "58 labels without points": {"labels": [1]},
    "58 a label that is none": {"points": [[1, 1]], "labels": [2]},
    "58 a label of words": {"points": [[1, 1]], "labels": ["add"]},
    "58 labels that are no list": {"points": [[1, 1]], "labels": "1"},
}


@pytest.mark.parametrize("values", POINTS.values(), ids=POINTS)
def test_57_and_58_points_without_end_and_labels_that_do_not_fit_are_refused(site: Site, values: dict):
    picture = site.studio.take_in(ADA, saved(corners(), "PNG"), "corners.png").id
    with site.visitor() as ada:
        for endpoint in ("segment", "keep_object"):
            told = site.ask(ada, endpoint, picture_id=picture, **values)
            assert told.startswith("event: error")
            assert_sentence(json.loads(told.partition("data: ")[2])["error"])
        assert "event: complete" in site.ask(ada, "segment", picture_id=picture, points=[[1, 1]])


def test_57_a_million_points_are_refused_unread(site: Site):
    body = b'{"picture": "x", "points": [' + b"[1, 1, 1], " * 1_000_000 + b"[1, 1, 1]]}"
    with site.visitor() as ada:
        for path in ("diorama/segment", "gradio_api/call/v2/segment"):
            answer = ada.post(path, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == 413
            assert_sentence(answer.json()["error"], "1,000,000 bytes")


def test_63_a_picture_of_one_pixel_is_selected_and_kept(site: Site):
    picture = site.studio.take_in(ADA, saved(Image.new("RGB", (1, 1), "red"), "PNG"), "dot.png").id
    with site.visitor() as ada:
        selected = ada.post("diorama/segment", json={"picture": picture, "points": [[0, 0, 1]]}).raise_for_status()
        assert (selected.json()["size"], selected.json()["area"]) == ([1, 1], 1)
        kept = site.ask(ada, "keep_object", picture_id=picture, points=[[0, 0]])
        assert "event: complete" in kept
        object_id = json.loads(kept.partition("data: ")[2])[0]["object"]["id"]
        assert "event: complete" in site.ask(ada, "splat", object_id=object_id)


def test_64_two_who_click_at_once_are_given_masks_of_their_own_pictures(site: Site):
    shapes = {ADA: (0, 0, 31, 15), GRACE: (0, 0, 15, 31)}
    pictures = {}
    for token, box in shapes.items():
        image = Image.new("RGB", (32, 32), "gray")
        image.paste((255, 0, 0), box)
        pictures[token] = site.studio.take_in(token, saved(image, "PNG"), "box.png").id

    def click(token: str) -> list[list[float]]:
        body = {"picture": pictures[token], "points": [[3, 3, 1]], "choice": 0, "page": token}
        with site.visitor(token) as http:
            return [http.post("diorama/segment", json=body | {"number": n}).json()["box"] for n in range(10)]

    with ThreadPoolExecutor(2) as both:
        boxes = dict(zip(shapes, both.map(click, shapes), strict=True))
    for token, (left, top, right, bottom) in shapes.items():
        assert boxes[token] == [pytest.approx([left, top, right, bottom], abs=2)] * 10


PATHS = [
    "/etc/passwd",
    "../../../../etc/passwd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252f%252e%252e%252fetc%252fpasswd",
    "..\\..\\app.py",
    "..%5C..%5Capp.py",
    "%5C%5Chost%5Cshare%5Cx",
    "//host/share/x",
    "app.py",
    "diorama.sqlite",
    "diorama.sqlite::$DATA",
    "{outputs}/diorama.sqlite",
    "{outputs}/images/link.png",
    "images/link.png",
    "link.png",
    "%00",
    "http://169.254.169.254/latest",
    "http://127.0.0.1:1/x",
    "http://2130706433/x",
    "http://0177.0.0.1/x",
    "http://0x7f.1/x",
    "http://[::1]/x",
    "http://[::ffff:127.0.0.1]/x",
    "http://localtest.me/x",
    "https://example.com/redirect?to=http://127.0.0.1",
]


def test_74_and_75_no_path_and_no_address_opens_a_file(site: Site):
    (site.outputs / "images" / "link.png").symlink_to("/etc/passwd")
    routes = ("picture", "thumb", "crop", "mask", "cutout", "filled", "film", "splat")
    with site.visitor() as ada:
        for path in PATHS:
            said = path.format(outputs=site.outputs)
            for place in ("gradio_api/file=", "file=", "gradio_api/file/", *(f"diorama/{route}/" for route in routes)):
                answer = ada.get(f"{site.url}{place}{said}")
                assert answer.status_code in (400, 403, 404, 405), (place, path, answer.status_code)
                assert "root:" not in answer.text
        for said in PATHS:
            assert not ada.get("diorama/zip", params={"ids": said}).is_success
            assert "There is no" in site.ask(ada, "settings", picture_id=said)
    (site.outputs / "images" / "link.png").unlink()


@pytest.mark.parametrize(
    "value",
    ["bytes=9-1", "bytes=-0", "bytes=0-99999999999999999999", "bytes=99999999-", "bytes=" + "0-1," * 5_000 + "0-1",
     "bytes=a-b", "lines=1-2", "bytes=--1", "bytes=0-" + "9" * 4_000, "bytes=0-0,-1", "\xff"],
    ids=range(11),
)  # fmt: skip
def test_76_an_absurd_range_is_answered_in_bounds(site: Site, value: str):
    picture = site.studio.take_in(ADA, saved(corners(), "PNG"), "x.png")
    length = site.studio.path(ADA, picture.id).stat().st_size
    with site.visitor() as ada:
        answer = ada.get(f"diorama/picture/{picture.id}", headers={b"Range": value.encode("latin-1")})
        assert answer.status_code in (200, 206, 400, 416)
        assert len(answer.content) <= length + 1_000
        assert ada.get(f"diorama/picture/{picture.id}").status_code == 200


def test_85_somebody_elses_event_is_cancelled_and_their_job_is_not(site: Site):
    site.hold()
    with site.visitor() as ada, site.visitor(GRACE) as grace:
        event = site.begin(ada, "generate", prompt="hers")
        job = site.running(ADA)
        for body in (
            {"event_id": event, "session_hash": "grace", "fn_index": 0},
            {"event_id": event},
            {"job_id": job.id},
        ):
            assert grace.post("gradio_api/cancel", json=body).status_code < 500
        assert "There is no job" in site.ask(grace, "cancel", job_id=job.id)
        site.model.let_go()
        assert finished(site.studio, job).state == "done"


def test_87_who_never_reads_delays_nobody(site: Site):
    host, port = re.fullmatch(r"http://([\d.]+):(\d+)/", site.url).groups()  # type: ignore[union-attr]
    silent = []
    with site.visitor() as ada:
        for number in range(20):
            event = site.begin(ada, "generate", prompt=f"never read {number}")
            line = socket.create_connection((host, int(port)))
            line.sendall(f"GET /gradio_api/call/generate/{event} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            silent.append(line)
    with site.visitor(GRACE) as grace:
        assert "event: complete" in site.ask(grace, "generate", prompt="read")
    for line in silent:
        line.close()


def test_88_the_session_of_another_gives_nothing_away(site: Site):
    with site.visitor() as ada, site.visitor(GRACE) as grace:
        event = site.begin(ada, "generate", prompt="a secret of hers")
        assert "a secret of hers" in site.end(ada, "generate", event)
        for place in ("?deep_link={}", "config?deep_link={}", "gradio_api/deep_link?session_hash={}"):
            assert "a secret of hers" not in grace.get(place.format(event)).text, place


SETTINGS = {
    "HTML": ("parameters", "<img src=x onerror=alert(1)> a <b>fox</b>\nSteps: 9, Seed: 7"),
    "keys": (
        "parameters",
        "a fox, sk-proj-AbCdEf123456 hf_AbCdEfGhIj AIzaSyA123\nSteps: 9, Seed: 7, OPENAI_API_KEY: sk-x",
    ),
    "a table of a megabyte": (
        "prompt",
        json.dumps({str(n): {"class_type": "x" * 40, "inputs": {}} for n in range(14_000)}),
    ),
    "numbers that are none": (
        "parameters",
        "a fox\nSteps: 1e999, Seed: NaN, CFG scale: -Infinity, Size: 0x99999999999",
    ),
    "another's owner, ids and path": (
        "diorama",
        json.dumps(
            {"prompt": "a fox", "owner": GRACE, "id": "../../x", "name": "/etc/passwd", "parents": ["' OR 1=1"]}
        ),
    ),
}


@pytest.mark.parametrize(("name", "text"), SETTINGS.values(), ids=SETTINGS)
def test_90_settings_of_a_strange_file_are_text(site: Site, name: str, text: str):
    info = PngInfo()
    info.add_text(name, text)
    file = saved(Image.new("RGB", (9, len(text) % 50 + 1), "teal"), "PNG", pnginfo=info)
    with site.visitor() as ada:
        taken = ada.post("diorama/pictures?name=x.png", content=file).raise_for_status().json()["picture"]
        told = site.ask(ada, "settings", picture_id=taken["id"])
        assert told.startswith(("event: complete", "event: error"))
        assert "Traceback" not in told
        kept = site.studio.asset(ADA, taken["id"])
        assert (kept.recipe.owner, kept.recipe.parents) == (ADA, ())
        assert "event: complete" in site.ask(ada, "generate", prompt="a good one")


def test_after_all_of_it_nobody_has_anything_of_anybody_elses(site: Site):
    mine = {asset.id for asset in site.studio.gallery(ADA, limit=200).assets}
    assert not mine & {asset.id for asset in site.studio.gallery(GRACE, limit=200).assets}
