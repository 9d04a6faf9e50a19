"""Recipes against real processes, directories and init scripts: a real daemon with the recipe's own policy, smaller."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cookbook.conftest import Family, Recipe, Scripts, running
from tests.miniature.daemon import MakeDaemon, OwnDaemon, Spawn

SLEEP = "import time\ntime.sleep(300)"


def holding(mib: int) -> str:
    return f"held = bytearray({mib} << 20)\n{SLEEP}"


def resident_mib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def closed(watch: OwnDaemon, rule: str) -> bool:
    return any((record["result"] or "").startswith("closed: success")
               for record in watch.records("incident", rule=rule))


def signalled(watch: OwnDaemon) -> set[int]:
    return {record["target"]["pid"] for record in watch.records("intent") if record["step"][:4] in ("TERM", "KILL")}


def test_of_jobs_that_overlap_the_oldest_goes_on_and_who_copies_by_hand_is_left_alone(
        daemon: MakeDaemon, spawn: Spawn, family: Family, recipe: Recipe, home: Path) -> None:
    job = f"# rsync -a /srv/shared/ /mnt/nfs/\n{SLEEP}"
    spawn(family("rsync", *[job] * 5), "cron")
    watch = daemon(recipe("cron-overlap", {"/usr/sbin/cron": "cron", "/usr/bin/rsync": "rsync"},
                          held='for     = "20s" => for     = "300ms"'))
    watch.wait_for(lambda: len(running(home, "rsync")) == 5, 10, "five jobs")
    jobs = running(home, "rsync")
    by_hand = [spawn(job, "rsync") for _ in range(4)]
    watch.start()
    watch.wait_for(lambda: not set(running(home, "rsync")) & set(jobs[3:]), 10, "the end of the newest")
    assert running(home, "rsync") == sorted([*jobs[:3], *(child.pid for child in by_hand)])
    assert signalled(watch) == set(jobs[3:])


@pytest.mark.slow
def test_a_browser_whose_test_runner_dies_goes_with_its_tabs_and_one_whose_runner_lives_stays(
        daemon: MakeDaemon, spawn: Spawn, family: Family, recipe: Recipe, home: Path) -> None:
    browser = f"# --headless\n{family('chrome', holding(20))}"
    runners = [spawn(family("chrome", browser), "node") for _ in range(2)]
    watch = daemon(recipe("headless-browsers", {"/opt/google/chrome/chrome": "chrome"},
                          users=f'"ci", "jenkins" => "{os.getuid()}", "jenkins"', age='"10min" => "300ms"',
                          size='"100MiB" => "1MiB"'))
    watch.wait_for(lambda: len(running(home, "chrome")) == 4, 10, "two browsers with a tab each")
    watch.start()
    assert len(running(home, "chrome")) == 4
    runners[0].kill()
    runners[0].wait()
    watch.wait_for(lambda: len(running(home, "chrome")) == 2, 10, "the end of the orphaned browser")
    left = running(home, "chrome")
    assert any(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1] == str(runners[1].pid)
               for pid in left)
    assert len(signalled(watch)) == 2


@pytest.mark.slow
def test_of_two_builds_the_oldest_tree_goes_and_the_controller_stays(
        daemon: MakeDaemon, spawn: Spawn, family: Family, recipe: Recipe, home: Path) -> None:
    controller = spawn(f"# jenkins.war\n{holding(5)}", "java")
    builds = [spawn(f"# /durable-1f2e/\n{family('javac', holding(40))}", "bash") for _ in range(2)]
    watch = daemon(recipe("jenkins-builds", {"/usr/lib/jvm/*/bin/java": "java", "/usr/bin/bash": "bash"},
                          user=f'"jenkins" => "{os.getuid()}"', total='total_rss = "50%" => total_rss = "90MiB"',
                          held='for       = "10s" => for       = "300ms"'))
    watch.wait_for(lambda: [pid for pid in running(home, "javac") if resident_mib(pid) >= 40][1:], 10, "two compilers")
    first, second = (set(Path(f"/proc/{one.pid}/task/{one.pid}/children").read_text().split()) for one in builds)
    watch.start()
    builds[0].wait(10)
    watch.wait_for(lambda: set(map(str, running(home, "javac"))) == second, 10, "the end of its compiler")
    assert signalled(watch) == {builds[0].pid, *map(int, first)}
    assert not [record for record in watch.records("incident") if "tick failed" in (record["result"] or "")]
    assert (controller.poll(), builds[1].poll()) == (None, None)


@pytest.mark.slow
def test_the_child_that_saves_dies_and_the_server_does_not(
        daemon: MakeDaemon, spawn: Spawn, recipe: Recipe, home: Path) -> None:
    server = spawn("import os, time\nheld = bytearray(20 << 20)\nchild = os.fork()\n"
                   "if child:\n    os.waitpid(child, 0)\ntime.sleep(300)", "redis-server")
    watch = daemon(recipe("redis-fork", {"/usr/bin/redis-server": "redis-server"}, score='-800 => 100',
                          user=f'["redis", "valkey"] => "{os.getuid()}"',
                          low='memory_available_below = "12%", for = "2s" => memory_available_below = "100%", '
                              'for = "200ms"'))
    watch.wait_for(lambda: len(running(home, "redis-server")) == 2, 10, "the child")
    watch.start()
    watch.wait_for(lambda: closed(watch, "recover.saving"), 10, "the end of the save")
    assert running(home, "redis-server") == [server.pid]
    assert server.pid not in signalled(watch)


@pytest.mark.slow
def test_a_worker_that_leaks_goes_and_its_master_stays(
        daemon: MakeDaemon, spawn: Spawn, family: Family, recipe: Recipe, home: Path) -> None:
    master = spawn(family("apache2", holding(20), holding(70)), "apache2")
    watch = daemon(recipe("apache-prefork", {"/usr/sbin/apache2": "apache2"},
                          rss='rss     = "20%" => rss     = "60MiB"',
                          held='for     = "10s" => for     = "200ms"', score="-500 => 100"))
    watch.wait_for(lambda: [pid for pid in running(home, "apache2") if resident_mib(pid) >= 70], 10, "the leak")
    watch.start()
    watch.wait_for(lambda: len(running(home, "apache2")) == 2, 10, "the end of the worker")
    assert master.poll() is None
    assert len(signalled(watch)) == 1


@pytest.mark.slow
def test_stale_sessions_go_when_inodes_run_out_and_nothing_else_does(
        daemon: MakeDaemon, recipe: Recipe, home: Path) -> None:
    sessions = home / "sessions"
    sessions.mkdir()
    for number in range(30):
        (sessions / f"sess_{number}").write_text("x")
    (sessions / "settings").write_text("not a session")
    watch = daemon(recipe("php-sessions", {}, path=f'"/var/lib/php/sessions" => "{sessions}"', age='"2d" => "1s"',
                          low='inodes_free_below = "3%", stale_above = 1000 => '
                              'inodes_free_below = "100%", stale_above = 20'))
    watch.start()
    with (sessions / "sess_used").open("w") as used:
        used.write("x")
        used.flush()
        watch.wait_for(lambda: not (sessions / "sess_0").exists() and closed(watch, "recover.sessions"), 15, "a purge")
        assert {path.name for path in sessions.iterdir() if path.name[0] != "."} == {"settings", "sess_used"}


@pytest.mark.slow
def test_surplus_scanners_wait_clamd_is_restarted_and_only_then_they_go(
        daemon: MakeDaemon, spawn: Spawn, recipe: Recipe, scripts: Scripts, home: Path) -> None:
    scripts.add("clamav-daemon", "up")
    scanners = [spawn(SLEEP, "clamscan") for _ in range(4)]
    watch = daemon(recipe("amavis-clamscan", {"/usr/bin/clamscan": "clamscan"}, user=f'"vscan" => "{os.getuid()}"',
                          socket='triggers   = ["clamav-daemon.socket"] => ', stable='"5s" => "100ms"',
                          held='for = "2min" => for = "1500ms"',
                          probe=f'["/usr/bin/clamdscan", "--ping", "1"] => ["/usr/bin/grep", "-q", "up", '
                                f'"{home}/clamav-daemon"]'), config=scripts.config)
    watch.start()
    watch.wait_for(lambda: sorted(map(state_of, running(home, "clamscan"))) == ["S", "S", "T", "T"], 5, "two that wait")
    assert [state_of(child.pid) for child in scanners[:2]] == ["S", "S"]  # the oldest go on
    watch.wait_for(lambda: closed(watch, "recover.clamd"), 15, "the recovery")
    assert scripts.asked() == ["stop clamav-daemon", "start clamav-daemon"]
    assert running(home, "clamscan") == []
    probed = min(record["seq"] for record in watch.records("outcome") if record["step"].startswith("probe"))
    assert probed < min(record["seq"] for record in watch.records("intent")
                        if record["step"].startswith("TERM"))


@pytest.mark.slow
def test_the_load_is_shed_before_the_database_is_started_and_let_in_when_it_answers(
        daemon: MakeDaemon, recipe: Recipe, scripts: Scripts, home: Path) -> None:
    scripts.add("mariadb", "dead")
    scripts.add("php-fpm", "up")
    watch = daemon(recipe("php-fpm-mariadb", {}, stable='"10s" => "100ms"',
                          stable_php='"5s"\n\n[protect => "100ms"\n\n[protect',
                          held='for = "15s" => for = "200ms"',
                          probe=f'["/usr/bin/mariadb-admin", "ping"] => ["/usr/bin/grep", "-q", "up", '
                                f'"{home}/mariadb"]'),
                   config=scripts.config)
    watch.start()
    watch.wait_for(lambda: closed(watch, "recover.mariadb"), 15, "the recovery")
    assert scripts.asked() == ["stop php-fpm", "start mariadb", "start php-fpm"]


@pytest.mark.slow
def test_a_flood_of_mail_is_stopped_at_its_source_and_none_is_purged(
        daemon: MakeDaemon, recipe: Recipe, scripts: Scripts, home: Path) -> None:
    scripts.add("cron", "up")
    mail = home / "maildrop"
    mail.mkdir()
    for number in range(50):
        (mail / f"{number:08X}").write_text("x")
    watch = daemon(recipe("cron-postdrop", {}, path=f'"/var/spool/postfix/maildrop" => "{mail}"', age='"30d" => "1ms"',
                          full='inodes_free_below = "5%", entries_above = 1000, for = "1min" => '
                               'inodes_free_below = "100%", entries_above = 40, for = "200ms"',
                          wait='"10min" => "300ms"',
                          run=f'["/usr/sbin/postqueue", "-f"] => ["/usr/bin/touch", "{home}/flushed"]'),
                   config=scripts.config)
    watch.start()
    watch.wait_for(lambda: closed(watch, "recover.flood"), 15, "the recovery")
    assert scripts.asked() == ["stop cron", "start cron"]
    assert (home / "flushed").exists()
    assert len(list(mail.iterdir())) == 50
