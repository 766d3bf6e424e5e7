"""What one owner may keep, what gives way to it, and what the host removes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.contract import ImageRequest
from studio.errors import NotFound, OwnerRemoved, QuotaReached, StorageFailed
from studio.library.usage import DiskUsage
from tests.patience import PATIENCE_SECONDS
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import FakeModel, ask, finished, picture
from tests.studio.library.test_store import index
from tests.studio.pictures_in import corners, saved


def upload(number: int) -> bytes:
    """A picture that no other is like."""
    image = corners()
    image.putpixel((0, 0), (number, 0, 7))
    return saved(image, "PNG")


def files_of(outputs: Path) -> list[str]:
    return sorted(path.name for folder in ("images", "splats", "trash") for path in (outputs / folder).iterdir())


def size_of(outputs: Path) -> int:
    return sum(path.stat().st_size for path in (outputs / "images").iterdir())


def test_a_full_quota_is_one_sentence_and_the_trash_gives_way(open_studio: OpenStudio, tmp_path: Path):
    outputs = tmp_path / "outputs"
    probe = open_studio()
    probe.take_in("ada", upload(0))
    most = int(3.5 * size_of(outputs))
    probe.close()
    studio = open_studio(quota_bytes=most)
    ids = [studio.gallery("ada").assets[0].id, *(studio.take_in("ada", upload(number)).id for number in (1, 2))]
    with pytest.raises(QuotaReached, match=r"the limit for one person here\. Delete some, then try"):
        studio.take_in("ada", upload(3))
    assert len(files_of(outputs)) == 3
    assert studio.take_in("grace", upload(3)).owner == "grace"  # it is hers, not everybody's
    studio.delete("ada", ids[:2])
    studio.restore("ada", ids[1:2])
    assert studio.take_in("ada", upload(4))  # in the place of what lay in the trash
    with pytest.raises(NotFound):
        studio.asset("ada", ids[0])
    assert studio.asset("ada", ids[1])
    assert not (outputs / "thumbs" / f"{ids[0]}.webp").exists()
    before = index(outputs)
    studio.rebuild()
    assert index(outputs) == before


def test_where_several_share_a_disk_some_of_it_stays_free(open_studio: OpenStudio):
    studio = open_studio()
    place = (studio._database, studio._store._folders)
    with pytest.raises(StorageFailed, match="nearly full"):
        DiskUsage(*place, most_bytes=10**9, spare_bytes=2**62).make_room("somebody new")
    DiskUsage(*place, most_bytes=10**9, spare_bytes=0).make_room("somebody new")
    DiskUsage(*place, spare_bytes=2**62).make_room("local")  # alone, one takes what there is


def test_a_job_ends_with_the_sentence_and_the_next_is_not_taken(open_studio: OpenStudio, tmp_path: Path):
    studio = open_studio(FakeModel(), quota_bytes=10)
    job = finished(studio, ask(studio))
    assert job.state == "failed" and "the limit for one person" in job.error
    assert files_of(tmp_path / "outputs") == []
    full = open_studio(FakeModel(), outputs=tmp_path / "full", quota_bytes=0)
    with pytest.raises(QuotaReached):
        ask(full)
    assert full.jobs("local") == []


def test_the_host_removes_everything_of_a_visitor_and_nothing_of_others(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    kept = studio.take_in("grace", upload(1))
    gone = [studio.take_in("ada", upload(number)).id for number in (1, 2)]
    studio.delete("ada", gone[:1])
    job = ask(studio, owner="ada")
    model.wait_until_entered()
    waiting = ask(studio, owner="ada")
    visitors = {use.owner: use for use in studio.hosting.visitors()}
    assert (visitors["ada"].files, visitors["grace"].files) == (1, 1)
    assert visitors["ada"].bytes > visitors["grace"].bytes > 0
    assert studio.hosting.remove("ada") == 2
    assert studio.job("ada", waiting.id).state == "stopped"
    model.let_go()
    assert finished(studio, job).state == "stopped"
    for asset_id in gone:
        with pytest.raises(NotFound):
            studio.asset("ada", asset_id)
    assert studio.asset("grace", kept.id) and studio.path("grace", kept.id).is_file()
    assert [use.owner for use in studio.hosting.visitors()] == ["grace"]
    with pytest.raises(NotFound):
        studio.hosting.remove("ada")


class SlowToSave:
    """What a picture is that is being written just when its owner is removed."""

    def __init__(self) -> None:
        self.is_writing, self.may_go_on = threading.Event(), threading.Event()

    def picture(self, request: ImageRequest) -> Image.Image:
        written = self

        class Slow(Image.Image):
            def save(self, *args: Any, **options: Any) -> None:
                written.is_writing.set()
                assert written.may_go_on.wait(PATIENCE_SECONDS)
                super().save(*args, **options)

        slow = picture(request)
        slow.__class__ = Slow
        return slow


def test_a_picture_that_is_just_being_written_goes_with_its_owner(open_studio: OpenStudio, tmp_path: Path):
    slow, model = SlowToSave(), FakeModel()
    model.paint = slow.picture
    studio = open_studio(model)
    job = ask(studio, "zephyr", owner="ada")
    assert slow.is_writing.wait(PATIENCE_SECONDS)
    studio.presets.save("ada", "zephyr", {"steps": 3})
    assert studio.hosting.remove("ada") == 0
    slow.may_go_on.set()
    assert finished(studio, job).is_over
    assert studio.count("ada") == 0 and files_of(tmp_path / "outputs") == []
    assert studio.presets.of("ada") == {} and studio.jobs("ada")[0].title == ""
    assert finished(studio, ask(studio, owner="ada")).state == "done"  # whoever comes again is somebody new


def test_what_was_said_of_pictures_goes_with_their_owner(open_studio: OpenStudio, tmp_path: Path):
    studio = open_studio()
    for owner in ("ada", "grace"):
        studio.rename(owner, studio.take_in(owner, upload(1)).id, f"zephyr of {owner}")
    studio.hosting.remove("ada")
    assert "zephyr of ada" not in (tmp_path / "outputs" / "notes.jsonl").read_text()
    studio.rebuild()
    assert studio.gallery("grace").assets[0].title == "zephyr of grace"


def test_for_somebody_who_may_come_in_no_more_nothing_runs_and_nothing_is_kept(open_studio: OpenStudio, tmp_path: Path):
    admitted, slow, model = {"ada", "grace"}, SlowToSave(), FakeModel()
    model.paint = slow.picture
    studio = open_studio(model, admits=admitted.__contains__)
    first, second = (ask(studio, owner="ada") for _ in range(2))
    assert slow.is_writing.wait(PATIENCE_SECONDS)
    admitted.remove("ada")
    slow.may_go_on.set()
    for job in (first, second):
        assert finished(studio, job).assets == ()
    assert len(model.requests) == 1
    for refused in (lambda: ask(studio, owner="ada"), lambda: studio.take_in("ada", upload(1))):
        with pytest.raises(OwnerRemoved):
            refused()
    assert files_of(tmp_path / "outputs") == []
    assert finished(studio, ask(studio, owner="grace")).state == "done"


def test_the_host_stops_anybodys_job(open_studio: OpenStudio, model: FakeModel):
    studio = open_studio(model)
    first = ask(studio, owner="ada")
    model.wait_until_entered()
    second = ask(studio, owner="grace")
    assert [job.owner for job in studio.hosting.jobs()] == ["ada", "grace"]
    assert studio.hosting.stop(second.id).state == "stopped"
    assert studio.hosting.stop(first.id).stopping
    model.let_go()
    assert finished(studio, first).state == "stopped"
    with pytest.raises(NotFound):
        studio.hosting.stop(first.id)
    assert studio.hosting.disk().total > studio.hosting.disk().free > 0
