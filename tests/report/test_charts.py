"""The charts, and the tables that say the same."""

from __future__ import annotations

from collections.abc import Callable

from tests.report.mail_night import MailNight
from watchdog_oom.report.charts import MOST_ROWS, charts_of
from watchdog_oom.report.model import Night


def test_there_is_a_chart_of_all_that_is_known_and_a_closer_look_at_the_worst(whole_night: Night) -> None:
    charts = charts_of(whole_night)
    assert [chart.id for chart in charts] == ["memory", "closer", "pressure", "spools", "holders"]
    assert charts[1].title == "Memory and swap in use, 02:56 to 03:46"
    assert [line.name for line in charts[3].lines] == ["/var/spool/vscan/tmp"]
    assert [line.name for line in charts[4].lines] == ["clamscan", "mariadbd", "apache2", "amavisd"]
    assert max(float(row[1]) for row in charts[4].rows) == 256


def test_incidents_are_shaded_and_acts_are_marked(whole_night: Night) -> None:
    memory, closer = charts_of(whole_night)[:2]
    assert [shade.words for shade in memory.shades] == ["recover.amavis, 03:31 to 03:31"]
    assert memory.acts[0].words.startswith("03:31 stop amavis.service; 03:31 KILL clamscan[4700]")
    assert closer.shades[0].width >= 3


def test_the_table_has_the_peaks_of_the_chart(whole_night: Night) -> None:
    memory = charts_of(whole_night)[0]
    assert memory.header == ("Time", "memory in use, at most", "swap in use, at most")
    assert 10 < len(memory.rows) <= MOST_ROWS
    assert max(float(row[2].rstrip("%")) for row in memory.rows) > 80


def test_without_a_recording_there_is_none(night: Callable[..., Night]) -> None:
    assert charts_of(night()) == ()


def test_a_host_without_swap_or_pressure_has_the_lines_that_it_has(
        night: Callable[..., Night], mail_night: MailNight) -> None:
    from watchdog_oom.core.memory import Memory
    from watchdog_oom.core.model import Snapshot
    bare = [Snapshot(one.clock, memory=Memory(1 << 30, 1 << 29, 1 << 29, 0, 0)) for one in
            (mail_night.snapshot(mail_night.begins + at) for at in range(0, 3600, 60))]
    (memory,) = charts_of(night((), bare, hours=1))
    assert [line.name for line in memory.lines] == ["memory in use"]


def test_a_time_at_the_edge_has_room_or_is_left_out(night: Callable[..., Night], mail_night: MailNight) -> None:
    calm = [mail_night.snapshot(mail_night.begins + at) for at in range(0, 3600, 60)]
    times = [(x, words) for chart in charts_of(night((), calm, hours=1.02)) for x, words in chart.times]
    assert "20:50" in {words for _, words in times}
    assert all(30 <= x <= 690 for x, _ in times)
