"""The real process, ended as service managers end it: nothing that was asked for is given up."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from gradio_client import Client

import app
from commands.sharing import identity
from tests.app_process import ROOT, AppProcess
from tests.ports import free_port
from tests.studio.fakes import finished


def start(outputs: Path) -> tuple[AppProcess, Client]:
    process = AppProcess(outputs)
    return process, Client(process.url, verbose=False, download_files=False)


def test_a_job_outlives_any_number_of_orderly_restarts(tmp_path: Path):
    process, client = start(tmp_path)
    job = client.predict(prompt="a red ball", count=4, steps=20, seed=7, wait=False, api_name="/generate")
    for is_last in (False, True):
        while client.predict(job_id=job["id"], api_name="/job")["state"] == "waiting":
            time.sleep(0.5)  # to ask costs both sides work, which the model needs
        client.close()
        process.stop()
        if not is_last:
            process, client = start(tmp_path)
    studio = app.open_studio(tmp_path)
    try:
        done = finished(studio, studio.job(identity.LOCAL_OWNER, job["id"]))
        assert done.state == "done"
        assert [studio.asset(identity.LOCAL_OWNER, id).recipe.seed for id in done.assets] == [7, 8, 9, 10]
    finally:
        studio.close()


def test_an_app_that_is_ended_just_when_it_is_served_leaves_in_good_order(tmp_path: Path):
    AppProcess(tmp_path).stop()


def test_tools_that_look_for_demo_get_the_page_with_its_routes(tmp_path: Path):
    code = """if True:
        import pathlib, sys, httpx
        from commands import options
        options.OUTPUTS = pathlib.Path(sys.argv[1])
        from app import demo
        from app import demo as again
        assert demo is again
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_port=int(sys.argv[2]))
        print(httpx.get(f"{url}diorama/picture/{'0' * 32}", timeout=180).status_code)
        demo.close()
    """
    command = [sys.executable, "-c", code, str(tmp_path), str(free_port())]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    assert answer.stdout.splitlines()[0] == "404"
