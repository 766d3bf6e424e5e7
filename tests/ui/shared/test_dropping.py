"""Pictures that people bring along: dropped, pasted or chosen in a real browser."""

from __future__ import annotations

import base64
import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import expect

from studio.contract import GenerateRequest, Size
from studio.service import Studio
from tests.ui.driver import Visitor
from tests.ui.late import late

A1111 = """a castle, oil painting
Negative prompt: blurry
Steps: 30, Sampler: Euler a, CFG scale: 7, Seed: 123, Size: 512x768, Model: sd_xl_base"""
PASTE = """([name, data]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name));
  const paste = { bubbles: true, cancelable: true, clipboardData: transfer };
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", paste));
}"""


HANDED = """([kind, texts, names]) => {
  const transfer = new DataTransfer();
  for (const name of names) transfer.items.add(new File(["no picture"], name));
  for (const [type, text] of Object.entries(texts)) transfer.setData(type, text);
  const [Kind, given] = kind === "paste" ? [ClipboardEvent, "clipboardData"] : [DragEvent, "dataTransfer"];
  const event = new Kind(kind, { bubbles: true, cancelable: true, [given]: transfer });
  document.body.dispatchEvent(event);
  return event.defaultPrevented;
}"""
TABLE = "<table><tr><td>A1</td></tr></table>"
PICTURE_OF_A_PAGE = (
    '<html><body><!--StartFragment--><img src="https://example.org/boat.png"><!--EndFragment--></body></html>'
)
WORDS_BESIDE_FILES: dict[str, tuple[list[str], dict[str, str], bool]] = {  # whether the files are taken
    "its name": (["boat.png"], {"text/plain": "boat.png"}, True),
    "its name without the ending": (["boat.png"], {"text/plain": "boat"}, True),
    "its path": (["my boat.png"], {"text/plain": "/home/ada/my boat.png\n"}, True),
    "its path on Windows": (["boat.png"], {"text/plain": "C:\\pictures\\boat.png"}, True),
    "its address": (
        ["my boat.png"],
        {"text/plain": "file:///home/ada/my%20boat.png", "text/uri-list": "file:///x"},
        True,
    ),
    "several names": (["boat.png", "Übersee.jpg"], {"text/plain": "boat.png\r\nU\u0308bersee.jpg"}, True),
    "nothing": (["image.png"], {}, True),
    "a picture of a page": (["image.png"], {"text/html": PICTURE_OF_A_PAGE}, True),
    "a picture of a page with its address": (
        ["image.png"],
        {"text/html": PICTURE_OF_A_PAGE, "text/plain": "https://example.org/boat.png"},
        True,
    ),
    "a table": (["image.png"], {"text/plain": "A1", "text/rtf": "{\\rtf1 A1}", "text/html": TABLE}, False),
    "a table alone": (["image.png"], {"text/html": TABLE}, False),
    "words": (["image.png"], {"text/plain": "a red ball"}, False),
    "words beside one name": (["boat.png"], {"text/plain": "boat.png\nand more"}, False),
}


@pytest.fixture
def ours(studio: Studio, tmp_path: Path) -> Path:
    """A picture somebody else made with Diorama and sent by mail."""
    request = GenerateRequest("a purple ball", "full", Size(384, 256), 1, 358, 9, 5.5, "people", "ink")
    job = studio.generate("a friend", request)
    for _ in studio.events("a friend", job.id):
        pass
    (id,) = studio.job("a friend", job.id).assets
    path = tmp_path / "from a friend.png"
    path.write_bytes(studio.path("a friend", id).read_bytes())
    return path


@pytest.fixture
def castle(tmp_path: Path) -> Path:
    """A picture of A1111."""
    words = PngInfo()
    words.add_text("parameters", A1111)
    path = tmp_path / "castle.png"
    Image.new("RGB", (512, 768), "#556677").save(path, pnginfo=words)
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture that says nothing of how it was made."""
    path = tmp_path / "holiday.jpg"
    Image.effect_noise((300, 200), 60).save(path)
    return path


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.png"
    path.write_text("Dear friend, this is no picture.")
    return path


def test_a_picture_dropped_on_generate_brings_its_settings_and_is_made_again(visitor: Visitor, ours: Path):
    visitor.drop(ours, on="#column")
    expect(visitor.page.locator("#prompt textarea")).to_have_value("a purple ball")
    expect(visitor.toast).to_have_text("Settings copied, seed included")
    expect(visitor.page.locator("#model input")).to_have_value("Full painter · ready")
    expect(visitor.page.locator("#shape label.selected")).to_contain_text("3:2")
    visitor.open_more()
    expect(visitor.page.locator("#seed input")).to_have_value("358")
    expect(visitor.page.locator("#steps input[type=number]")).to_have_value("9")
    expect(visitor.page.locator("#guidance input[type=number]")).to_have_value("5.5")
    expect(visitor.page.locator("#negative-prompt textarea")).to_have_value("people")
    expect(visitor.page.locator("#style input")).to_have_value("Ink drawing")
    expect(visitor.note).to_have_count(0)
    expect(visitor.pictures).to_have_count(1)
    visitor.page.locator("#generate").click()
    expect(visitor.pictures).to_have_count(2)
    expect(visitor.made).to_be_visible()
    assert pixels(visitor.page.request.get(visitor.source()).body()) == pixels(ours.read_bytes())


def test_a_foreign_picture_opens_with_its_recipe_and_what_does_not_fit_is_said(visitor: Visitor, castle: Path):
    visitor.open_gallery()
    expect(visitor.page.get_by_text("Everything you make is kept here.")).to_be_visible()
    visitor.drop(castle, on="#gallery .scroller")
    expect(visitor.viewer.locator(".words")).to_have_text("a castle, oil painting")
    facts = visitor.viewer.locator(".facts")
    for words in ("blurry", "sd_xl_base", "512 x 768", "123", "30", "a file made with A1111"):
        expect(facts).to_contain_text(words)
    visitor.viewer.get_by_role("button", name="Use settings").click()
    expect(visitor.page.locator("#prompt textarea")).to_have_value("a castle, oil painting")
    expect(visitor.note.locator("summary")).to_contain_text("could not be carried over")
    visitor.note.locator("summary").click()
    expect(visitor.note.get_by_text("There is no model 'sd_xl_base' here; Toy painter is chosen.")).to_be_visible()
    expect(visitor.more).to_have_text("More · seed 123")
    visitor.open_gallery()
    expect(visitor.cells).to_have_count(1)
    visitor.page.get_by_label("Kind").select_option("Made here")
    expect(visitor.page.get_by_role("region", name="Gallery").get_by_text("Nothing found.")).to_be_visible()


def test_a_photo_that_was_made_smaller_says_so(regular: Visitor, tmp_path: Path):
    photo = tmp_path / "sea.jpg"
    Image.new("L", (8064, 6048), 90).save(photo)
    regular.open_gallery()
    for _ in range(2):  # also when it is there already
        regular.drop(photo)
        expect(regular.toast).to_have_text(
            "This picture was 8064 x 6048 pixels and was made smaller, to 7302 x 5477: the limit is 40 megapixels."
        )
        expect(regular.viewer.locator(".facts")).to_contain_text("made smaller, to 7302 x 5477")
        regular.page.keyboard.press("Escape")
        expect(regular.viewer).to_be_hidden()
        regular.page.evaluate("document.querySelectorAll('.toasts > .toast').forEach((toast) => toast.remove())")


def test_the_same_file_is_not_kept_twice(visitor: Visitor, castle: Path):
    visitor.open_gallery()
    for _ in range(2):
        visitor.drop(castle)
        expect(visitor.viewer.locator(".words")).to_have_text("a castle, oil painting")
        visitor.page.keyboard.press("Escape")
        expect(visitor.viewer).to_be_hidden()
    expect(visitor.count).to_have_text("1 picture")
    expect(visitor.cells).to_have_count(1)


def test_what_is_no_picture_is_refused_in_a_sentence(visitor: Visitor, letter: Path):
    visitor.open_gallery()
    visitor.drop(letter)
    expect(visitor.toast).to_have_text("This looks like a text file, not a picture. Choose a PNG, JPEG or WebP file.")
    expect(visitor.page.get_by_text("Everything you make is kept here.")).to_be_visible()
    visitor.forgive("400 (Bad Request)")


def test_several_files_come_one_after_the_other_with_a_summary(
    visitor: Visitor, castle: Path, photo: Path, letter: Path, ours: Path
):
    visitor.open_gallery()
    visitor.drop(castle, letter, photo, ours)
    expect(visitor.toast).to_contain_text("3 pictures added. letter.png: This looks like a text file")
    expect(visitor.cells).to_have_count(3)
    expect(visitor.viewer).to_be_hidden()
    visitor.forgive("400 (Bad Request)")


def test_what_comes_while_the_gallery_is_asked_for_the_first_time_is_shown(visitor: Visitor, castle: Path, photo: Path):
    page = visitor.page
    page.evaluate("document.addEventListener('diorama-news', () => { document.body.dataset.told = 'yes'; })")
    with late(page, "pictures/find") as let_come:
        with page.expect_request("**/pictures/find"):
            page.get_by_role("tab", name="Gallery").click()
        page.evaluate("delete document.body.dataset.told")
        visitor.drop(castle, photo)
        expect(visitor.toast).to_contain_text("2 pictures added.")
        expect(page.locator("body")).to_have_attribute("data-told", "yes")
        let_come()
    expect(visitor.cells).to_have_count(2)


def test_a_picture_without_settings_is_kept_and_says_so(visitor: Visitor, photo: Path):
    visitor.write("a red ball")
    visitor.drop(photo, on="#stage")
    expect(visitor.toast).to_contain_text("This picture carries no settings. It is in your gallery now.")
    expect(visitor.page.locator("#prompt textarea")).to_have_value("a red ball")
    expect(visitor.image).to_have_attribute("alt", "holiday")
    for name in ("Use settings", "Vary"):
        expect(visitor.stage.get_by_role("button", name=name)).to_be_hidden()
    visitor.toast.get_by_role("button", name="Show it").click()
    expect(visitor.viewer.locator(".facts")).to_contain_text("a file")
    expect(visitor.viewer.get_by_role("button", name="Use settings")).to_be_hidden()


def test_settings_without_a_prompt_leave_what_is_written_and_say_so(visitor: Visitor, tmp_path: Path):
    promptless, unread = tmp_path / "promptless.png", tmp_path / "unread.png"
    for path, keyword, text in (
        (promptless, "parameters", "Negative prompt: blurry\nSteps: 9, CFG scale: 5.5, Seed: 358, Size: 384x256"),
        (unread, "Made with", "prompt=a castle; seed=5; steps=9"),
    ):
        words = PngInfo()
        words.add_text(keyword, text)
        Image.new("RGB", (96, 64), "#556677").save(path, pnginfo=words)
    visitor.write("a red ball")
    visitor.drop(promptless, on="#column")
    expect(visitor.more).to_have_text("More · seed 358")
    expect(visitor.note).to_contain_text("could not be carried over")
    expect(visitor.note.get_by_text("The file has no prompt: write one.")).to_be_visible()
    expect(visitor.page.locator("#prompt textarea")).to_have_value("a red ball")
    expect(visitor.stage.get_by_role("button", name="Use settings")).to_be_visible()
    expect(visitor.stage.get_by_role("button", name="Vary")).to_be_hidden()
    visitor.drop(unread, on="#column")
    expect(visitor.toast).to_contain_text(
        "carries settings of another tool, which Diorama cannot read. It is in your gallery"
    )


def test_a_picture_can_be_pasted_or_chosen(visitor: Visitor, ours: Path, photo: Path):
    told = [ours.name, base64.b64encode(ours.read_bytes()).decode()]
    visitor.page.locator("#prompt textarea").focus()
    visitor.page.evaluate(PASTE, told)
    expect(visitor.page.locator("#prompt textarea")).to_have_value("a purple ball")
    visitor.open_gallery()
    with visitor.page.expect_file_chooser() as waiting:
        visitor.page.get_by_role("button", name="Open a picture").click()
    waiting.value.set_files(photo)
    expect(visitor.viewer).to_be_visible()
    expect(visitor.large).to_have_attribute("alt", "holiday")


def test_a_pasted_file_is_taken_and_words_beside_a_picture_stay_words(regular: Visitor):
    regular.open_gallery()
    for name, (files, texts, is_taken) in WORDS_BESIDE_FILES.items():
        assert regular.page.evaluate(HANDED, ["paste", texts, files]) == is_taken, name
    taken = sum(len(files) for files, _, is_taken in WORDS_BESIDE_FILES.values() if is_taken)
    regular.forgive("400 (Bad Request)", taken)  # they are no pictures
    expect(regular.toast.first).to_contain_text("not a picture")


def test_an_address_of_another_page_is_not_fetched_and_does_not_replace_this_one(regular: Visitor):
    link = {"text/uri-list": "https://example.org/boat.png", "text/plain": "https://example.org/boat.png"}
    for texts in (link, link | {"text/html": PICTURE_OF_A_PAGE}):
        for kind in ("dragenter", "dragover"):
            assert regular.page.evaluate(HANDED, [kind, texts, []])
        expect(regular.page.locator("#dropping .target")).to_be_visible()
        assert regular.page.evaluate(HANDED, ["drop", texts, []])
        expect(regular.page.locator("#dropping .target")).to_be_hidden()
        expect(regular.toast).to_have_text(
            "Diorama does not download from the web. Save the picture first, then drop the file."
        )
    assert not regular.page.evaluate(
        HANDED, ["drop", {"text/plain": "a red ball"}, []]
    )  # words are the field's business
    regular.page.evaluate("document.body.dispatchEvent(new DragEvent('dragstart', { bubbles: true }))")
    assert not regular.page.evaluate(HANDED, ["dragenter", link, []])  # a link of this page
    regular.page.evaluate("document.body.dispatchEvent(new DragEvent('dragend', { bubbles: true }))")


def test_a_file_that_is_dropped_on_a_dialog_does_not_replace_the_page(regular: Visitor):
    regular.page.get_by_role("button", name="Models", exact=True).click()
    dialog = regular.page.get_by_role("dialog", name="Models")
    expect(dialog).to_be_visible()
    for kind in ("dragenter", "dragover", "drop"):
        assert regular.page.evaluate(HANDED, [kind, {}, ["boat.png"]])
    expect(dialog).to_be_visible()
    expect(regular.page.locator("#dropping .target")).to_be_hidden()
    regular.page.keyboard.press("Escape")


def test_a_large_file_shows_how_far_it_is_and_can_be_stopped(regular: Visitor, tmp_path: Path):
    regular.open_gallery()
    large = tmp_path / "large.png"
    large.write_bytes(os.urandom(6_000_000))
    line = regular.context.new_cdp_session(regular.page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    line.send("Network.emulateNetworkConditions", slow)
    regular.drop(large)
    expect(regular.page.get_by_text("Adding large.png")).to_be_visible()
    regular.page.locator("#dropping").get_by_role("button", name="Cancel").click()
    expect(regular.page.get_by_text("Adding large.png")).to_be_hidden()
    expect(regular.toast).to_have_count(0)
    line.detach()


def test_a_file_above_the_limit_is_refused_before_it_is_sent(regular: Visitor):
    regular.open_gallery()
    regular.page.evaluate(
        """() => {
          const transfer = new DataTransfer(), file = new File(["x"], "huge.png");
          Object.defineProperty(file, "size", { value: 150_000_000 });
          Object.defineProperty(transfer, "files", { value: [file] });
          transfer.items.add(file);
          const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer });
          document.body.dispatchEvent(drop);
        }"""
    )
    expect(regular.toast).to_have_text(
        "huge.png is 150 MB, more than the limit of 100 MB. Save it smaller, or as JPEG."
    )


def pixels(png: bytes) -> bytes:
    with Image.open(io.BytesIO(png)) as picture:
        assert json.loads(picture.info["diorama"])["seed"] == 358
        return picture.tobytes()
