"""Who is told of a change, when, and by whom."""

from __future__ import annotations

import threading

from studio.scheduling.changes import Changes


def test_a_listener_hears_every_change_of_its_owner_and_no_other():
    changes, heard = Changes(), []
    with changes.listening("ada", lambda _: heard.append(changes.of("ada"))):
        numbers = [changes.note("ada"), changes.note("grace"), changes.note("ada")]
    assert heard == [numbers[0], numbers[2]]


def test_a_listener_is_called_on_the_thread_that_makes_the_change():
    changes, threads = Changes(), []
    with changes.listening("ada", lambda _: threads.append(threading.current_thread())):
        maker = threading.Thread(target=changes.note, args=("ada",))
        maker.start()
        maker.join()
    assert threads == [maker]


def test_who_has_left_hears_nothing_and_the_others_still_do():
    changes, heard = Changes(), []
    with changes.listening("ada", lambda _: heard.append("stayed")):
        with changes.listening("ada", lambda _: heard.append("left")):
            pass
        changes.note("ada")
    changes.note("ada")
    assert heard == ["stayed"]


def test_a_step_of_a_job_is_a_change_but_no_news():
    changes, heard = Changes(), []
    with changes.listening("ada", heard.append):
        news = changes.note("ada")
        step = changes.note("ada", is_news=False)
    assert heard == [True, False]
    assert (changes.of("ada"), changes.news_of("ada")) == (step, news)
    assert step > news


def test_a_number_drawn_for_later_tells_nobody():
    changes, heard = Changes(), []
    with changes.listening("ada", heard.append):
        before = changes.of("ada")
        number = changes.next_number()
        assert changes.of("ada") == before
        assert changes.note("ada") > number > before
    assert heard == [True]
