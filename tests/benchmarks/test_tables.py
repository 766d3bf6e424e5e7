"""Every benchmark runs to its end at a tiny size and prints its table. What it measures is nobody's business here."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from benchmarks import cpu_ways, gallery_page, intake, opening, save_path, segment, start_up, table, toy_picture
from tests.app_process import ROOT


def table_of(printed: str) -> dict[str, str]:
    """The rows by name: what was measured, with its unit."""
    head, _, body = printed.partition("measured  cases   promised\n")
    assert table.processor_name() in head
    rows = re.findall(r"^(\S.*?)  +(-?[\d.]+ \S+) +\d+", body, re.MULTILINE)
    assert len(rows) == len(body.strip().splitlines())
    return dict(rows)


def test_a_row_says_what_was_measured_how_often_and_what_was_promised():
    assert str(table.Row("drawn right", 0.951, 150, ">= 90 %")).split() == [
        "drawn",
        "right",
        "95.1",
        "%",
        "150",
        ">=",
        "90",
        "%",
    ]
    assert str(table.median_ms("save", [0.3, 0.0104, 0.002])).split() == ["save", "10.4", "ms", "3"]


def test_the_gallery_is_measured_in_every_way_the_page_asks(capsys: pytest.CaptureFixture[str]):
    gallery_page.main(["--pictures", "700", "--rounds", "1"])
    rows = table_of(capsys.readouterr().out)
    assert {"newest page", "page in the middle", "starred", "uploads", "count, all", "parents and children"} <= set(
        rows
    )
    assert all(measured.endswith(" ms") for measured in rows.values())


def test_opening_a_folder_is_measured_in_good_order_and_after_a_crash(capsys: pytest.CaptureFixture[str]):
    opening.main(["--pictures", "50"])
    rows = table_of(capsys.readouterr().out)
    assert {"in good order: by the clock", "after kill -9: by the clock"} <= set(rows)


def test_saving_is_measured_in_its_parts(capsys: pytest.CaptureFixture[str]):
    save_path.main(["--rounds", "1", "--sides", "16", "32"])
    rows = table_of(capsys.readouterr().out)
    parts = ("save", "encode as PNG", "write, fsync, rename, fsync", "row and commit", "thumbnail", "size of the file")
    assert list(rows) == [f"{side} x {side}: {part}" for side in (16, 32) for part in parts]


def test_the_ways_of_this_cpu_are_measured(capsys: pytest.CaptureFixture[str]):
    cpu_ways.main(["--side", "4"])
    printed = capsys.readouterr().out
    assert len(table_of(printed)) == 4 and printed.count("chosen: ") == 2


def test_intake_is_measured_for_pictures_and_for_a_bomb(capsys: pytest.CaptureFixture[str]):
    intake.main(["--megapixels", "0.01", "--bomb-side", "7000"])
    rows = table_of(capsys.readouterr().out)
    for name in ("0.01 megapixels, JPEG", "0.01 megapixels, PNG", "bomb of 49 megapixels, refused"):
        assert {f"{name}: file", f"{name}: time", f"{name}: memory"} <= set(rows)


def test_intake_notices_when_a_bomb_is_taken():
    with pytest.raises(SystemExit, match="was taken"):
        intake.main(["--megapixels", "0.01", "--bomb-side", "100"])


def test_the_start_is_measured_against_a_bare_page(capsys: pytest.CaptureFixture[str]):
    start_up.main(["--rounds", "1"])
    rows = table_of(capsys.readouterr().out)
    assert {"bare gradio page", "Diorama", "Diorama / bare"} <= set(rows)


def test_a_toy_picture_is_measured_cold_and_warm(capsys: pytest.CaptureFixture[str]):
    toy_picture.main(["--cold", "1", "--warm", "1"])
    rows = table_of(capsys.readouterr().out)
    assert set(rows) == {"cold: python cli.py generate", "first of a studio, the model loads", "warm, p50"}


def test_a_click_is_measured_beside_the_naive_way(capsys: pytest.CaptureFixture[str]):
    segment.main(["--rounds", "1"])
    rows = table_of(capsys.readouterr().out)
    assert "a further click takes of it" in rows


def test_a_benchmark_that_does_not_exist_is_named_with_those_that_do():
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nope"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert "There is no benchmark nope" in answer.stderr
    assert "start_up, toy_3d, toy_flux" in answer.stderr
