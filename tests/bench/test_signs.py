"""What the traces of a night are made to say."""

from __future__ import annotations

import pytest

from bench.incident.signs import Acts, Sample, acts_of, pressure_since

AUDIT = """\
{"v":1,"time":"2026-11-22T21:38:20.000Z","kind":"intent","step":"STOP clamscan[7]"}
{"v":1,"time":"2026-11-22T21:38:21.000Z","kind":"outcome","step":"STOP clamscan[7]"}
{"v":1,"time":"2026-11-22T21:38:22.500Z","kind":"incident","result":"closed: success"}
{"v":1,"time":"2026-11-22T21:39:00.000Z","kind":"incident","result":"closed: success"}
{"v":1,"time":"2026-11-22T21:39:01.000Z","kind":"intent","step":"CONT clamscan[7]"}
a torn li"""


def test_only_intents_are_counted_and_the_first_success_is_the_cure() -> None:
    assert acts_of(AUDIT, 1795383490.0) == Acts(1, 1, 12.5)
    assert acts_of("", 0.0) == Acts()


def test_pressure_is_a_share_of_the_time_since_the_cure() -> None:
    totals = ((0.0, 0), (10.0, 9_000_000), (20.0, 9_500_000), (30.0, 10_000_000))
    samples = [Sample(at, 9, total) for at, total in totals]
    assert pressure_since(samples, 10.0) == pytest.approx(5.0)
    assert pressure_since(samples, None) == pytest.approx(100.0 / 3)
    assert pressure_since(samples, 25.0) is None


def test_a_sample_is_read_from_the_two_files_and_half_a_file_is_refused() -> None:
    pressure = b"some avg10=0.00 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=77\n"
    assert Sample.of(1.0, b"MemTotal: 1 kB\nSwapFree:      2048 kB\n", pressure) == Sample(1.0, 2, 77)
    with pytest.raises(ValueError, match="no SwapFree"):
        Sample.of(1.0, b"MemTotal: 1 kB\n", pressure)
