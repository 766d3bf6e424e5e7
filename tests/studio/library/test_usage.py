"""What one owner may keep, what gives way to it, and what the host removes."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import NotFound, QuotaReached
from tests.studio.conftest import OpenStudio
from tests.studio.fakes import FakeModel, ask, finished
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
    with pytest.raises(QuotaReached, match=r"which is all that is kept for one person here\. Delete some, then try"):
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


def test_a_job_ends_with_the_sentence_and_the_next_is_not_taken(open_studio: OpenStudio, tmp_path: Path):
    studio = open_studio(FakeModel(), quota_bytes=10)
    job = finished(studio, ask(studio))
    assert job.state == "failed" and "all that is kept for one person" in job.error
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
