"""The simulation of many workers loses no job, and docs/scaling.md says what it says."""

from __future__ import annotations

from benchmarks import scaling


def test_the_page_has_the_numbers_of_the_script():
    page = scaling.PAGE.read_text(encoding="utf-8")
    rows = scaling.tables(scaling.SIZES[:2]).splitlines()
    assert len(rows) == 9 and not [row for row in rows if row not in page]


def test_every_job_of_a_day_is_done_however_few_the_workers_are():
    day = scaling.simulate(2, 20_000)
    assert day.lost == 0 and day.begun_again > 0
    assert day.wait_p50 > 3600 and day.most_waiting > 1_000
