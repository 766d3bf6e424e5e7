"""What the server keeps of its sessions: counted, because memory itself is no number that a test can rely on."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Iterator

import gradio as gr
import httpx
import pytest
from gradio.state_holder import SessionState

from benchmarks.memory_per_call import call, load
from tests.patience import PATIENCE_SECONDS
from ui.guard import sessions
from ui.guard.sessions import Session, Sessions


def choose(name: str) -> object:
    return gr.update(choices=[name, "other"])


@pytest.fixture
def page() -> Iterator[gr.Blocks]:
    with gr.Blocks(analytics_enabled=False) as page:
        words, box = gr.Textbox(), gr.Dropdown(["one"])
        words.change(choose, words, box, api_name="choose")
    yield page
    page.close()


def held(kind: type) -> int:
    gc.collect()
    return sum(issubclass(type(one), kind) for one in gc.get_objects())  # isinstance would ask the objects themselves


def test_a_session_shows_the_page_and_over_it_what_was_changed_for_it_alone(page: gr.Blocks):
    kept = Sessions(page)
    box = next(block for block in page.blocks.values() if isinstance(block, gr.Dropdown))
    mine, other = kept["mine"], kept["other"]
    assert mine.blocks_config.fns is page.default_config.fns
    mine[box._id] = gr.Dropdown(["two"], render=False)
    assert [session[box._id].choices for session in (mine, other, kept["mine"])] == [
        [("two", "two")],
        [("one", "one")],
        [("two", "two")],
    ]
    assert page.blocks[box._id] is box
    assert (mine.config_values, other.config_values) == ({}, {})
    again = kept["third"]
    again[box._id] = gr.Dropdown(["two"], render=False)
    assert again[box._id] is mine[box._id]  # changed to the same, they are one


def test_who_would_not_be_missed_is_forgotten_and_an_open_page_is_not(page: gr.Blocks):
    kept = Sessions(page)
    box = next(block for block in page.blocks.values() if isinstance(block, gr.Dropdown))
    kept["open"][box._id] = gr.Dropdown(["two"], render=False)
    kept["closed"][box._id] = gr.Dropdown(["two"], render=False)
    kept["closed"].is_closed = True
    for _ in range(3 * sessions.MAX_SPARE):
        kept[secrets.token_hex(5)]
    assert "open" in kept
    assert "closed" not in kept
    assert len(kept.session_data) <= 2 * sessions.MAX_SPARE + 1
    assert kept.time_last_used.keys() == kept.session_data.keys()
    for _ in range(sessions.MAX_SESSIONS):
        kept[secrets.token_hex(5)][box._id] = gr.Dropdown(["two"], render=False)
    assert len(kept.session_data) == sessions.MAX_SESSIONS
    assert "open" not in kept


def test_calls_and_page_loads_leave_only_small_sessions_behind(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sessions, "MAX_SPARE", 5)
    with httpx.Client(base_url=address, timeout=PATIENCE_SECONDS) as http:
        load(http)  # what every page is changed to is there once
        others = held(SessionState) - held(Session)  # of pages that other tests serve in this process; some may end
        before = held(Session), held(gr.components.Component)
        for _ in range(12):
            call(http)
        for _ in range(3):
            load(http)
    assert held(SessionState) - held(Session) <= others
    assert held(Session) <= before[0] + 2 * 5 + 3
    assert held(gr.components.Component) <= before[1]
