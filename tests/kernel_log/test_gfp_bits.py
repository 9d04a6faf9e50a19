"""The tables of bits, and versions as kernels write them."""

from __future__ import annotations

import pytest

from watchdog_oom.kernel_log.gfp_bits import TABLES, bits, version_of


@pytest.mark.parametrize(("text", "version"), [
    ("2.6.32-431.el6.x86_64", (2, 6, 32)), ("5.15.0-1087-azure", (5, 15, 0)), ("6.8.1+nas5xx", (6, 8, 1)),
    ("2.6.11-rc4", (2, 6, 11)), ("6.16", (6, 16, 0)), ("4.19dev", (4, 19, 0)), ("next-20220412", None), ("", None),
    (None, None)])
def test_a_version_is_read_from_its_beginning(text: str | None, version: tuple[int, int, int] | None) -> None:
    assert version_of(text) == version


def test_the_newest_table_that_is_not_too_new_is_taken() -> None:
    assert bits((4, 9, 300))[0x400000] == "DIRECT_RECLAIM"
    assert bits((4, 3, 9))[0x10] == "WAIT"
    assert bits((9, 0, 0)) == TABLES[-1][1]
    assert bits((1, 0, 0)) == TABLES[0][1]


def test_the_tables_stand_in_order_and_every_entry_is_one_bit() -> None:
    assert [since for since, _ in TABLES] == sorted(since for since, _ in TABLES)
    assert all(bit & (bit - 1) == 0 for _, table in TABLES for bit in table)
    assert all(len(set(table.values())) == len(table) for _, table in TABLES)
