"""Faults F1 to F20 of the project's list: where each is staged, and those that had no test yet.

Each is one sentence with the cause and the next step, and the next job succeeds. No key is in anything that is left.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.providers import wires
from tests.providers.clouds import CANARIES, GOOGLE, OPENAI, Cloud
from tests.providers.loopback import Answer, answer, parts, redirect, torn
from tests.providers.wires import b64, png
from tests.robustness.site import ADA, GRACE, Site
from tests.studio.fakes import finished
from tests.ui.api.test_bad_input import assert_sentence

TESTS = Path(__file__).parents[1]
DISK, LOCKED, JOBS = (
    f"studio/{path}.py" for path in ("library/test_disk", "library/test_locked", "scheduling/test_jobs")
)
CRASH, CLOCK = "studio/scheduling/test_crash.py", "studio/library/test_clock.py"
CLOUDS, HERE = "providers/test_faults_over_http.py", "robustness/test_faults.py"
ZERO = "pipelines/zero_gpu/test_zero_gpu.py"
FLOW, FETCH, REFUSALS = (
    f"pipelines/{path}.py" for path in ("families/test_flow_match", "hub/test_fetch", "hub/test_refusals")
)
STAGED = {
    "F1 full while it writes": (DISK, "test_a_picture_that_does_not_fit_fails_its_job_only"),
    "F1 full before": (DISK, "test_a_full_disk_is_said_and_space_helps"),
    "F1 full for the index": (DISK, "test_a_job_ends_for_its_watchers_even_when_its_row_cannot_be_written"),
    "F1 at the rename; F2 on the way; F3": (HERE, "test_a_disk_that_fails_is_a_sentence_and_loses_nothing"),
    "F1 full for uploads": ("ui/guard/test_disk_space.py", "test_a_full_disk_is_a_sentence_and_the_next_request_works"),
    "F2 read-only at the start": (DISK, "test_a_read_only_disk_is_said_at_the_start"),
    "F2 not permitted": (DISK, "test_what_the_system_says_becomes_a_sentence"),
    "F4 locked": (LOCKED, "test_when_the_patience_is_over_the_job_fails_with_a_sentence_and_the_next_one_works"),
    "F4 malformed": (DISK, "test_a_damaged_index_is_kept_aside_and_made_again"),
    "F4 without its log": (DISK, "test_a_lost_write_ahead_log_loses_no_picture"),
    "F5 at the words, at a step, at the pixels": (FLOW, "test_a_card_that_is_full_makes_the_next_plan_and_says_so"),
    "F5 with no other plan": (FLOW, "test_without_another_plan_a_full_card_is_an_error"),
    "F6; F7 an exception; F20 no memory": (JOBS, "test_a_failure_is_a_sentence_and_the_next_job_runs"),
    "F7 a model that hangs": (HERE, "test_a_model_that_hangs_is_left_by_stop_and_by_a_restart"),
    "F7 a cloud that hangs": (CLOUDS, "test_silence_is_a_timeout"),
    "F8 while it waits": (JOBS, "test_a_waiting_job_is_stopped_at_once_and_never_starts"),
    "F8 at every step": (JOBS, "test_stop_leaves_within_a_step_and_makes_no_picture"),
    "F8 at the words, at the pixels": (FLOW, "test_stop_leaves_within_a_step_and_the_next_picture_is_whole"),
    "F8 while it is kept": (LOCKED, "test_stop_ends_a_job_that_waits_for_the_index"),
    "F9": (HERE, "test_a_line_that_breaks_in_the_middle_of_a_job_loses_nothing"),
    "F10, F11 over HTTP": (HERE, "test_whatever_a_cloud_answers_is_a_sentence_and_the_next_job_succeeds"),
    "F10 each provider": (CLOUDS, "test_a_status_is_said_with_the_provider_s_reason_and_asked_once"),
    "F10 with a time to wait": (CLOUDS, "test_a_busy_provider_is_asked_again_after_the_time_it_named"),
    "F11 nobody there": (CLOUDS, "test_nobody_there_is_said_and_costs_nothing"),
    "F11 drips": (CLOUDS, "test_an_answer_that_drips_is_cut_in_the_end"),
    "F11 heartbeats": (CLOUDS, "test_the_deadline_is_of_the_wall_clock_whatever_drips_in"),
    "F11 a partial picture": (CLOUDS, "test_a_partial_picture_and_then_nothing_is_no_picture"),
    "F11 200 MB": (CLOUDS, "test_an_answer_that_grows_without_end_is_left"),
    "F12 bundled": ("pipelines/test_bundled.py", "test_the_page_and_the_api_say_it_and_the_rest_of_the_app_goes_on"),
    "F12 missing, cut": (FLOW, "test_missing_and_damaged_weights_are_a_sentence_that_names_them"),
    "F12 pickle": (FLOW, "test_pickled_weights_are_not_opened"),
    "F12 NaN": (FLOW, "test_numbers_that_are_no_picture_are_a_sentence"),
    "F12 a flipped bit": (REFUSALS, "test_a_flipped_byte_is_noticed_and_only_that_file_comes_again"),
    "F13": (FETCH, "test_a_killed_download_goes_on_in_the_next_process"),
    "F14": (REFUSALS, "test_no_network_is_a_sentence"),
    "F15": (CLOCK, "test_jobs_and_pictures_stay_in_order_when_the_clock_is_set_back_over_a_restart"),
    "F16": ("test_shutdown.py", "test_a_job_outlives_any_number_of_orderly_restarts"),
    "F17": (DISK, "test_a_second_diorama_in_the_same_folder_gets_a_clear_error"),
    "F18": (ZERO, "test_stop_errors_and_a_used_up_quota_are_sentences_and_the_next_one_works"),
    "F20 killed by the host": (CRASH, "test_kill_9_loses_nothing_and_doubles_nothing"),
}  # fmt: skip
"""What is staged, and the test that does it, in a file below tests/."""
NOT_HERE = {19}
"""A tunnel that drops needs the server of others at its end."""


def test_every_fault_is_staged_somewhere():
    told = set[int]()
    for what, (file, test) in STAGED.items():
        source = (TESTS / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {test}\(", source, re.MULTILINE), (what, file, test)
        told |= {int(number) for number in re.findall(r"\bF(\d+)\b", what)}
    assert told | NOT_HERE == {*range(1, 21)}


# --- the disk ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="system calls are made to fail by seccomp")
def test_a_disk_that_fails_is_a_sentence_and_loses_nothing(tmp_path: Path):
    """In processes of their own: what a filter of system calls refuses, it refuses until the process ends."""
    command = [sys.executable, "-m", "tests.robustness.failing_disk", str(tmp_path)]
    done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("no filter"):
        pytest.skip(done.stdout)
    said = json.loads(done.stdout)
    for fault, reason in (
        ("fsync EIO", "Check the disk"),
        ("rename ENOSPC", "the disk is full. Free some space"),
        ("rename EROFS", "the disk is read-only"),
        ("rename EACCES", "writing is not permitted"),
    ):
        one = said[fault]
        assert_sentence(one["error"], reason)
        assert (one["kept"], one["next"], one["leftovers"]) == (True, "done", [])


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_a_model_that_hangs_is_left_by_stop_and_by_a_restart(site: Site):
    """It keeps its lane, which says so; what belongs to other lanes goes on."""
    site.hold()
    with site.visitor() as ada, site.visitor(GRACE) as grace:
        site.begin(ada, "generate", prompt="hangs")
        job = site.running(ADA)
        waiting = json.loads(site.ask(grace, "generate", prompt="waits", wait=False).partition("data: ")[2])[0]
        assert waiting["position"] == 1
        site.provider.clear()
        site.provider.says(wires.IMAGES, wires.openai_picture())
        assert "event: complete" in site.ask(grace, "generate", prompt="a red ball", model=OPENAI.offer.id)
        assert "event: complete" in site.ask(ada, "cancel", job_id=job.id)
        site.model.let_go()
        assert finished(site.studio, job).state == "stopped"
        assert finished(site.studio, site.studio.job(GRACE, waiting["id"])).state == "done"


def test_a_line_that_breaks_in_the_middle_of_a_job_loses_nothing(site: Site):
    site.hold()
    with site.visitor() as ada:
        event = site.begin(ada, "generate", prompt="somebody loses the line")
        job = site.running(ADA)
        with httpx.Client(base_url=site.url) as line, line.stream("GET", f"gradio_api/call/generate/{event}"):
            pass  # closed without a word read
        site.model.let_go()
        assert finished(site.studio, job).state == "done"
        told = json.loads(site.ask(ada, "job", job_id=job.id).partition("data: ")[2])[0]
        (picture,) = told["pictures"]
        assert ada.get(picture["url"]).headers["content-type"] == "image/png"


# --- clouds -----------------------------------------------------------------------------------------------------------

KEY = CANARIES["OPENAI_API_KEY"]
SAID = f"No, said the server to {KEY} politely"
STATUSES = (401, 402, 403, 408, 409, 422, 429, 500, 502, 503, 529)
ANSWERS: dict[str, tuple[Cloud, Answer, str]] = {
    **{f"F10 {status}": (OPENAI, wires.openai_error(status, SAID), "*** politely") for status in STATUSES},
    "F10 429 for a day": (OPENAI, wires.openai_error(429, SAID, headers={"Retry-After": "86400"}), "***"),
    "F10 Google 403": (GOOGLE, wires.google_error(403, f"no, {CANARIES['GOOGLE_API_KEY']}"), "Google"),
    "F10 Google 503": (GOOGLE, wires.google_error(503, f"no, {CANARIES['GOOGLE_API_KEY']}"), "Google"),
    "F11 a line that breaks": (OPENAI, torn(b'{"data": ['), "OpenAI"),
    "F11 an error page": (OPENAI, answer(502, f"<h1>{KEY}</h1>".encode(), kind="text/html"), "OpenAI"),
    "F11 JSON of an error with 200": (OPENAI, answer(200, {"error": {"message": SAID}}), "OpenAI"),
    "F11 no data": (OPENAI, answer(200, {"data": []}), "OpenAI"),
    "F11 half a picture": (OPENAI, wires.events(wires.completed(text=b64(png())[:40])), "OpenAI"),
    "F11 no base64": (OPENAI, wires.events(wires.completed(text=f"!!{KEY}!!")), "OpenAI"),
    "F11 a program": (OPENAI, wires.events(wires.completed(text=b64(b"MZ" + bytes(99)))), "OpenAI"),
    "F11 events that end": (OPENAI, parts(b"data: " + json.dumps(wires.partial(0)).encode() + b"\n\n"), "OpenAI"),
    "F11 words instead": (OPENAI, answer(200, f"I cannot, {KEY}".encode(), kind="text/plain"), "OpenAI"),
    "F11 sent on to this machine": (OPENAI, redirect(307, "http://127.0.0.1:1/x"), "OpenAI"),
}  # fmt: skip


@pytest.mark.parametrize(("cloud", "wrong", "part"), ANSWERS.values(), ids=ANSWERS)
def test_whatever_a_cloud_answers_is_a_sentence_and_the_next_job_succeeds(
    site: Site, caplog: pytest.LogCaptureFixture, cloud: Cloud, wrong: Answer, part: str
):
    caplog.set_level(logging.DEBUG)
    site.provider.clear()
    cloud.before(site.provider)
    site.provider.says(cloud.path, wrong, cloud.picture(png((1024, 1024))))
    with site.visitor() as ada:
        told = site.ask(ada, "generate", prompt="a red ball", model=cloud.offer.id)
        job = json.loads(told.partition("data: ")[2])[0]
        assert job["state"] == "failed", told
        assert_sentence(job["error"], part)
        shown = ada.post("diorama/watch", json={"since": None, "wait": 0}).text
        good = site.ask(ada, "generate", prompt="a red ball", model=cloud.offer.id)
        assert '"state": "done"' in good or '"state":"done"' in good, good
        places = ("", "config", "gradio_api/info", "diorama/picture/none")
        everything = (told, shown, good, caplog.text, *(ada.get(place).text for place in places))
    for key in CANARIES.values():
        assert not [text[:200] for text in everything if key in text]


def test_after_all_of_it_no_key_is_in_any_file(site: Site):
    files = [path for path in site.outputs.rglob("*") if path.is_file()]
    assert {".sqlite", ".png"} <= {path.suffix for path in files}
    for path in files:
        data = path.read_bytes()
        assert not [key for key in CANARIES.values() if key.encode() in data], path
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.load()
                assert "canary" not in str(getattr(image, "text", "")), path
