"""Why this one died: the kernel's score, and whom it should have hit."""

from __future__ import annotations

from tests.kernel_log.made import GIB, MIB, event, kill, task
from watchdog_oom.kernel_log.holders import holders
from watchdog_oom.kernel_log.model import Chosen, ControlGroup, Event, GroupCounter
from watchdog_oom.kernel_log.victim import kill_bytes, points, why

TASKS = (task(1, "sshd", 5, oom_score_adj=-1000), task(2, "mysqld", 512, pgtables_bytes=MIB), task(3, "java", 300),
         task(4, "root", 300, uid=0))


def sentences(one: Event) -> str:
    return " ".join(why(one, holders(one)))


def test_the_score_is_ram_swap_and_page_tables_in_thousandths_and_the_adj() -> None:
    one = event(tasks=(*TASKS, task(5, "chrome", 100, oom_score_adj=300, swap_bytes=100 * MIB)), swap=(0, GIB))
    assert [(scored.task.comm, scored.points) for scored in points(one)] \
        == [("chrome", 397), ("mysqld", 250), ("java", 146), ("root", 146)]


def test_until_4_16_what_belongs_to_root_counts_three_percent_less() -> None:
    assert points(event(tasks=TASKS, kernel="4.16.9", swap=(0, 0)))[-1].points == 284
    assert points(event(tasks=TASKS, kernel="4.17.0", swap=(0, 0)))[-1].points == 292


def test_in_a_control_group_its_limit_is_the_whole() -> None:
    group = ControlGroup("/a", None, (GroupCounter("memory", GIB, GIB),))
    assert points(event(tasks=TASKS, constraint="memcg", cgroup=group))[0].points == 500


def test_kernels_with_the_old_score_are_not_given_the_new_one() -> None:
    old = event(tasks=TASKS, kernel="2.6.32-5-686", kills=(kill(2, "mysqld"),))
    assert points(old) == ()
    assert "scores by the size of the address space" in sentences(old)
    assert points(event(tasks=TASKS, kernel="2.6.32-431.el6.x86_64"))


def test_the_most_of_all_and_the_next_are_told() -> None:
    assert sentences(event(tasks=TASKS, kills=(kill(2, "mysqld", 512),), swap=(0, 0))) \
        == "By the kernel's score mysqld[2] has about 500 of 1000, the most of all; the next is java[3] with 292."


def test_a_tie_is_no_injustice() -> None:
    one = event(tasks=(task(1, "a", 500), task(2, "b", 500)), kills=(kill(2, "b", 500),), swap=(0, 0))
    assert sentences(one).endswith("b[2] has about 488 of 1000, the most of all; the next is a[1] with 488.")


def test_a_raised_score_is_told_and_who_held_more() -> None:
    one = event(tasks=(*TASKS, task(5, "cron", 2, oom_score_adj=900)), kills=(kill(5, "cron", 2),), swap=(0, 0))
    assert "+900 of it by its oom_score_adj, the most of all" in sentences(one)
    assert "It hit cron, with 2 MiB, instead of the cause: mysqld[2] holds 46%: 512 MiB in RAM." in sentences(one)


def test_many_small_ones_are_the_cause_that_the_score_does_not_see() -> None:
    crowd = tuple(task(100 + number, "php-cgi", 8) for number in range(80))
    one = event(tasks=(task(2, "mysqld", 40), *crowd), kills=(kill(2, "mysqld", 40),))
    assert "instead of the cause: 80 php-cgi hold 94%" in sentences(one)


def test_whoever_held_much_itself_was_no_bystander() -> None:
    one = event(tasks=(task(2, "mysqld", 200), task(3, "java", 500)), kills=(kill(2, "mysqld", 200),))
    assert "instead of" not in sentences(one)


def test_a_sacrificed_child_and_a_chosen_thread_are_told_apart() -> None:
    child = event(kills=(kill(16944, "mingetty", 1),), chosen=(Chosen(15947, "init", 1, True),))
    assert "chose init[15947] and, as kernels before 4.19 do, killed a child of it instead" in sentences(child)
    thread = event(kills=(kill(28438, "java", 1),), chosen=(Chosen(24572, "java", 0, True),))
    assert "chose java[24572], a thread; it killed its process java[28438]" in sentences(thread)


def test_the_score_of_the_log_is_told_where_it_cannot_be_worked_out() -> None:
    assert sentences(event(kills=(kill(9, "a"),), chosen=(Chosen(9, "a", 60, False),))) \
        == "The kernel gave it a score of 60."
    assert sentences(event(kills=(kill(9, "a", oom_score_adj=-900),))) == "Its oom_score_adj of -900 lowered its score."


def test_nobody_left_and_a_lost_kill_line_are_told() -> None:
    assert "so the kernel panicked" in sentences(event(no_killable=True, panic=True))
    lost = event(chosen=(Chosen(30705, "mysqld", 43, False),))
    assert sentences(lost) == ("The kernel chose mysqld[30705] with a score of 43; the line that tells who died is "
                               "missing.")
    assert sentences(event()) == ""


def test_a_group_that_dies_together_is_told() -> None:
    assert "all 2 processes of the group" in sentences(event(oom_group="/a", kills=(kill(1, "a"), kill(2, "b"),
                                                                                   kill(1, "a", again=True))))


def test_what_a_victim_held_is_the_sum_of_its_parts_or_not_known() -> None:
    assert kill_bytes(kill(1, "a", 3, file_rss_bytes=MIB, shmem_rss_bytes=0)) == 4 * MIB
    assert kill_bytes(kill(1, "a")) is None
