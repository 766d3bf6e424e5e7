"""A page that nobody touches, and its server: they leave the cores to the pictures."""

from __future__ import annotations

import resource
import time

from playwright.sync_api import Browser

from tests.patience import settled, wait_until
from tests.ui.driver import Visitor

COUNT_FRAMES = """
  window.framesAsked = 0;
  const ask = window.requestAnimationFrame;
  window.requestAnimationFrame = (act) => { window.framesAsked += 1; return ask.call(window, act); };
"""
# Whether, within two minutes, there were three fifths of a second on end in which nobody asked for a frame.
COMES_TO_REST = """async () => {
  let quiet = 0;
  for (let look = 0; look < 600 && quiet < 3; look += 1) {
    const before = window.framesAsked;
    await new Promise((done) => setTimeout(done, 200));
    quiet = window.framesAsked === before ? quiet + 1 : 0;
  }
  return quiet === 3;
}"""


def test_a_page_at_rest_asks_for_no_frames(chrome: Browser, address: str):
    context = chrome.new_context()
    context.add_init_script(COUNT_FRAMES)
    visitor = Visitor(context, address)
    assert visitor.page.evaluate("window.framesAsked") > 0
    assert settled(visitor.page, COMES_TO_REST)
    visitor.make("a red ball")
    assert settled(visitor.page, COMES_TO_REST)
    visitor.assert_nothing_went_wrong()
    context.close()


def test_a_server_at_rest_wakes_seldom(address: str):
    wait_until(lambda: wakings_in_a_second() < 400)  # fewer on a busy machine, once what was begun before is over


def wakings_in_a_second() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    time.sleep(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before
