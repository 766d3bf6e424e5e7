"""The first journey in a real browser: from words to a picture, and everything a queue can do to a person."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from studio.service import Studio
from tests.patience import settled
from tests.ui.driver import Visitor
from tests.ui.many import paint
from tests.ui.painter import Brush

RED = "a red ball on a grey background"
ASK_DIRECTLY = """async ([path, token, question]) => {
  const headers = {"Content-Type": "application/json", "X-Diorama-Token": token};
  return (await fetch(`diorama/${path}`, {method: "POST", headers, body: JSON.stringify(question)})).json();
}"""
"""What anybody can do with the developer tools: call a function of the page by hand."""


def test_a_first_visitor_is_told_what_will_appear_and_an_example_works(visitor: Visitor):
    expect(visitor.stage.get_by_text("Your picture appears here.")).to_be_visible()
    expect(visitor.stage.get_by_text("Every picture you make is kept here.")).to_be_visible()
    visitor.page.get_by_role("button", name=RED).click()
    expect(visitor.page.locator("#prompt textarea")).to_have_value(RED)
    visitor.page.locator("#generate").click()
    expect(visitor.image).to_have_attribute("alt", RED)
    expect(visitor.pictures).to_have_count(1)
    visitor.pictures.first.get_by_role("button").first.click()
    expect(visitor.image).to_have_attribute("alt", RED)
    expect(visitor.stage.locator(".back")).to_be_hidden()  # there is no sheet of one


def test_the_picture_forms_step_by_step_and_then_stands_there(emptied: Visitor, brush: Brush):
    brush.hold()
    emptied.generate(RED)
    previews = [emptied.see_step(brush, 1, f"Step {step} of 8") for step in (1, 2, 3)]
    assert len(set(previews)) == 3
    assert all(preview.startswith("data:image/jpeg") for preview in previews)
    expect(emptied.stage.get_by_role("progressbar", name="Progress")).to_have_attribute("aria-valuenow", "3")
    brush.go()
    expect(emptied.made).to_be_visible()
    expect(emptied.image).to_have_attribute("alt", RED)
    expect(emptied.spoken).to_have_text(f"Picture ready: {RED}")
    expect(emptied.image).to_have_js_property("naturalWidth", 128)
    assert emptied.source().startswith(emptied.address)


def test_stop_stops_within_a_step(emptied: Visitor, brush: Brush):
    brush.hold()
    emptied.generate(RED)
    emptied.see_step(brush, 1, "Step 1 of 8")
    emptied.press("Stop")
    expect(emptied.step).to_have_text("Stopping")
    brush.let(1)
    expect(emptied.jobs).to_have_count(0)
    expect(emptied.spoken).to_have_text("Stopped")
    expect(emptied.stage.get_by_text("Your picture appears here.")).to_be_visible()


def test_stop_works_before_the_first_step(emptied: Visitor, brush: Brush):
    brush.hold()
    emptied.generate(RED)
    emptied.press("Stop")
    expect(emptied.step).to_have_text("Stopping")
    brush.let(1)
    expect(emptied.jobs).to_have_count(0)
    brush.go()
    emptied.make("a blue ball")
    expect(emptied.pictures).to_have_count(1)


def test_a_download_says_how_far_it_is_and_can_be_stopped(visitor: Visitor, brush: Brush):
    visitor.choose_model("Far painter")
    brush.hold()
    visitor.generate(RED)
    visitor.see_step(brush, 1, "Downloading Far painter: 1.5 of 4.0 GB")
    visitor.see_step(brush, 1, "Downloading Far painter: 2.5 of 4.0 GB")
    expect(visitor.jobs.first).to_contain_text("downloading")
    expect(visitor.stage.get_by_role("progressbar", name="Progress")).to_have_class(re.compile("unknown"))
    visitor.press("Stop")
    expect(visitor.step).to_have_text("Stopping")
    brush.let(1)
    expect(visitor.jobs).to_have_count(0)
    expect(visitor.spoken).to_have_text("Stopped")
    visitor.generate(RED)  # what was stopped begins anew
    visitor.see_step(brush, 1, "Downloading Far painter: 1.5 of 4.0 GB")
    brush.go()
    expect(visitor.made).to_be_visible()


def test_more_can_be_queued_and_a_waiting_job_leaves_at_once(emptied: Visitor, brush: Brush):
    brush.hold()
    for prompt in ("a red ball", "a blue ball", "a green ball"):
        emptied.generate(prompt)
    expect(emptied.stage.get_by_text("1 running, 2 waiting")).to_be_visible()
    expect(emptied.jobs.nth(1)).to_contain_text("next")
    expect(emptied.jobs.nth(2)).to_contain_text("2 ahead")
    emptied.press("Stop: a blue ball")
    expect(emptied.jobs).to_have_count(2)
    expect(emptied.jobs.nth(1)).to_contain_text("next")
    brush.go()
    expect(emptied.pictures).to_have_count(2)
    expect(emptied.pictures.get_by_role("button", name="a blue ball")).to_have_count(0)


def test_all_jobs_can_be_stopped_at_once(emptied: Visitor, brush: Brush):
    brush.hold()
    for prompt in ("a red ball", "a blue ball", "a green ball"):
        emptied.generate(prompt)
    emptied.press("Stop all")
    expect(emptied.jobs).to_have_count(1)
    expect(emptied.step).to_have_text("Stopping")  # the running one was asked last
    brush.go()
    expect(emptied.jobs).to_have_count(0)
    expect(emptied.pictures).to_have_count(0)


def test_a_job_says_that_the_host_has_paused(emptied: Visitor, brush: Brush, studio: Studio):
    brush.hold()
    emptied.generate("a red ball")
    emptied.see_step(brush, 1, "Step 1 of 8")
    emptied.generate("a blue ball")
    studio.hosting.pause(True)
    brush.go()
    expect(emptied.step).to_have_text("Paused by the host")
    expect(emptied.jobs.first).to_contain_text("paused")
    studio.hosting.pause(False)
    expect(emptied.pictures).to_have_count(2)


def test_skip_leaves_one_picture_out_and_goes_on(emptied: Visitor, brush: Brush):
    emptied.page.locator("#count label").nth(2).click()
    brush.hold()
    emptied.generate(RED)
    emptied.see_step(brush, 1, "Picture 1 of 3, step 1 of 8")
    emptied.press("Skip this one")
    expect(emptied.step).to_have_text("Skipping")
    brush.let(2)
    expect(emptied.step).to_have_text("Picture 2 of 3, step 1 of 8")
    brush.go()
    expect(emptied.jobs).to_have_count(0)
    expect(emptied.pictures).to_have_count(2)


def test_of_several_pictures_one_is_chosen_on_a_contact_sheet(emptied: Visitor):
    emptied.page.locator("#count label").nth(2).click()
    emptied.generate(RED)
    sheet = emptied.stage.get_by_role("group", name="Choose a picture").get_by_role("button")
    expect(sheet).to_have_count(3)
    expect(emptied.stage.locator(".choose")).to_have_text("3 pictures: choose one.")
    expect(emptied.image).to_be_hidden()
    sheet.nth(1).click()
    expect(emptied.made).to_be_visible()
    expect(emptied.pictures.nth(1).get_by_role("button")).to_have_attribute("aria-current", "true")
    emptied.press("All 3")
    expect(sheet).to_have_count(3)
    emptied.page.keyboard.press("ArrowRight")
    emptied.page.keyboard.press("3")
    expect(emptied.pictures.nth(0).get_by_role("button")).to_have_attribute("aria-current", "true")  # the newest
    emptied.page.locator("#count label").nth(0).click()
    emptied.make("a blue ball")
    expect(emptied.image).to_have_attribute("alt", "a blue ball")


def test_no_picture_is_announced_when_all_were_skipped(emptied: Visitor, brush: Brush):
    brush.hold()
    emptied.page.locator("#count label").nth(1).click()
    emptied.generate(RED)
    emptied.see_step(brush, 1, "Picture 1 of 2, step 1 of 8")
    emptied.press("Skip this one")
    expect(emptied.step).to_have_text("Skipping")
    emptied.see_step(brush, 2, "Picture 2 of 2, step 1 of 8")
    emptied.press("Skip this one")
    expect(emptied.step).to_have_text("Skipping")
    brush.let(1)
    expect(emptied.jobs).to_have_count(0)
    expect(emptied.spoken).to_have_text(f"Nothing was saved: {RED}")


def test_a_reload_finds_the_running_job_and_its_result(emptied: Visitor, brush: Brush):
    brush.hold()
    emptied.generate(RED)
    emptied.generate("a blue ball")
    emptied.see_step(brush, 2, "Step 2 of 8")
    emptied.reload()
    expect(emptied.step).to_have_text("Step 2 of 8")
    assert emptied.source().startswith("data:image/jpeg")
    expect(emptied.jobs).to_have_count(2)
    brush.go()
    expect(emptied.pictures).to_have_count(2)
    emptied.reload()
    expect(emptied.image).to_have_attribute("alt", "a blue ball")
    expect(emptied.pictures).to_have_count(2)


def test_two_tabs_of_one_person_show_the_same(emptied: Visitor):
    first, second = emptied.page, emptied.open_tab()
    first.bring_to_front()
    emptied.make(RED)
    second.bring_to_front()
    expect(second.locator("#stage .pictures li")).to_have_count(1)


def test_nobody_sees_what_somebody_else_makes(emptied: Visitor, chrome: Browser):
    emptied.make(RED)
    with Visitor.arrives(chrome, emptied.address) as stranger:
        expect(stranger.stage.get_by_text("Your picture appears here.")).to_be_visible()
        expect(stranger.pictures).to_have_count(0)
        picture = emptied.pictures.first.get_attribute("data-key")
        answer = settled(stranger.page, ASK_DIRECTLY, ["pictures/delete", "a stranger's own token", {"ids": [picture]}])
    assert "There is no" in answer["error"]
    emptied.reload()
    expect(emptied.pictures).to_have_count(1)


def test_words_the_model_does_not_know_are_a_hint_and_the_picture_is_made(regular: Visitor):
    regular.make("a red ball, a dragon")
    expect(regular.note).to_have_class(re.compile("hint"))
    expect(regular.note).to_contain_text("Toy painter does not know: dragon.")
    expect(regular.note).to_contain_text("toy world only")


def test_another_example_takes_the_hint_about_other_words_away(regular: Visitor):
    regular.make("a red ball, a dragon")
    expect(regular.note).to_be_visible()
    regular.page.locator("#examples").get_by_role("button", name=RED).click()
    expect(regular.note).to_have_count(0)


def test_an_example_that_is_cut_is_shown_whole_under_the_pointer(regular: Visitor):
    chip = regular.page.locator("#examples button").first
    chip.hover()
    expect(chip).to_have_attribute("title", RED)


def test_an_empty_prompt_is_answered_with_a_sentence_near_the_button(regular: Visitor):
    regular.write("")
    regular.page.locator("#generate").click()
    expect(regular.note).to_have_class(re.compile("trouble"))
    expect(regular.note).to_have_attribute("role", "alert")


def test_a_job_that_fails_says_why_and_the_next_one_works(regular: Visitor):
    regular.write("an impossible thing")
    regular.page.locator("#generate").click()
    banner, toasts = regular.stage.locator(".banner"), regular.stage.locator(".toast")
    expect(toasts).to_have_count(1)
    expect(toasts.locator("span")).to_have_attribute("aria-hidden", "true")  # the banner is read out already
    expect(banner).to_contain_text("The painter cannot paint 'impossible'. Ask for a ball.")
    regular.make(RED)
    expect(banner).to_be_hidden()


def test_a_bug_is_never_shown_as_it_is(regular: Visitor):
    regular.write("a bug")
    regular.page.locator("#generate").click()
    expect(regular.stage.locator(".banner")).to_contain_text("Something went wrong")
    expect(regular.stage.locator(".banner")).not_to_contain_text("KeyError")


def test_a_bug_in_the_page_itself_is_said_near_the_button(visitor: Visitor):
    visitor.choose_model("Broken painter")
    visitor.write("a red ball")
    visitor.page.locator("#generate").click()
    expect(visitor.note).to_have_text("Something went wrong; the log has the details.")
    visitor.forgive("500 (Internal Server Error)")


def test_what_people_write_is_never_taken_for_markup(regular: Visitor):
    regular.make("a red ball <img src=x onerror=alert(1)> <b>bold</b>")
    expect(regular.stage.locator(".caption")).to_contain_text("<b>bold</b>")
    expect(regular.note).to_contain_text("does not know")
    expect(regular.page.locator("b", has_text="bold")).to_have_count(0)


def test_older_pictures_come_when_the_strip_is_scrolled(emptied: Visitor, studio: Studio):
    paint(studio, emptied.token, RED, 32)
    emptied.reload()
    expect(emptied.pictures).to_have_count(24)
    emptied.page.locator("#stage .end").scroll_into_view_if_needed()
    expect(emptied.pictures).to_have_count(32)
