"""What was lost is told with its count, and not at every loss."""

from __future__ import annotations

from watchdog_oom.daemon.flight.losses import TELL_AFTER_SECONDS, TELL_AGAIN_SECONDS, Losses
from watchdog_oom.journal.record import Record


def test_losses_are_told_together_and_once_an_hour() -> None:
    told: list[Record] = []
    losses = Losses()
    for second in range(int(TELL_AGAIN_SECONDS + 2 * TELL_AFTER_SECONDS)):
        losses.tell(second, second // 10, "the disk is full", float(second), told.append)
    assert [record.result for record in told] == [
        ("the flight recorder has gaps: 11 ticks could not be handed over to the process that records, "
        "1 sample could not be written"),
        ("the flight recorder has gaps: 3600 ticks could not be handed over to the process that records, "
        "360 samples could not be written")]
    assert told[0].because == ("the disk is full",) and told[0].ok is False
    assert [record.detail for record in told] == [{"dropped_ticks": 11, "lost_samples": 1},
                                                  {"dropped_ticks": 3600, "lost_samples": 360}]


def test_no_loss_is_no_news() -> None:
    told: list[Record] = []
    losses = Losses()
    for second in range(100):
        losses.tell(0, 0, "", float(second), told.append)
    assert told == []


def test_a_loss_that_ended_is_told_all_the_same() -> None:
    told: list[Record] = []
    losses = Losses()
    for second in range(100):
        losses.tell(1, 0, "", float(second), told.append)
    assert len(told) == 1 and told[0].because == ()
