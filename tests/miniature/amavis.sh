#!/bin/sh
### BEGIN INIT INFO
# Provides:          amavis
# Short-Description: the mail filter of the miniature mail server
### END INIT INFO
# Exit statuses by the Linux Standard Base: status 0 runs, 1 dead with a pid file, 3 does not run.
pidfile="@HOME@/run/amavis.pid"
running() { [ -s "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null; }
case "$1" in
    start)
        running && exit 0
        PYTHONHOME="@PYTHONHOME@" LD_LIBRARY_PATH="@PYTHONHOME@/lib" setsid @COMMAND@ >/dev/null 2>&1 &
        echo $! > "$pidfile"
        ;;
    stop)
        running || exit 0
        kill "$(cat "$pidfile")"
        while running; do sleep 0.1; done
        rm -f "$pidfile"
        ;;
    status)
        running && exit 0
        [ -e "$pidfile" ] && exit 1
        exit 3
        ;;
    *)
        echo "Usage: $0 start|stop|status" >&2
        exit 2
        ;;
esac
