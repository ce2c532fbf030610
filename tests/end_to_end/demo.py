"""The demo itself; scripts/demo builds what it needs and starts it."""
import argparse
import fcntl
import json
import os
import pathlib
import shutil
import sys
import time

from stage import world
from stage.performance import SOURCE, Performance
from stage.processes import StageError, stop_recorded

PREFIX = "daylight-demo-"
DATA = SOURCE / "demo-data"
LOCK = "/run/daylight-demo.lock"    # the demo is root, and not every container has /run/lock
began = time.monotonic()


def say(line):
    print(f"demo {time.monotonic() - began:5.1f} s  {line}", file=sys.stderr, flush=True)


def lock():
    held = open(LOCK, "a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.seek(0)
        raise StageError(f"another demo is running (process {held.read().strip()}); wait for its end, or interrupt it") from None
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held


def clear():
    """Whatever an earlier run left: processes by their recorded ids, namespaces by their prefix, the data directory."""
    stopped = stop_recorded(DATA / "processes.json")
    removed = world.remove(PREFIX)
    if stopped or removed:
        say(f"cleared what an earlier demo left: {len(stopped)} processes, {removed} network namespaces")
    shutil.rmtree(DATA, ignore_errors=True)


def write_private(file, text):
    """For what holds sign-in tokens: nobody else may read it, at no moment."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)


def heading(text):
    print(f"\n{text}\n{'=' * len(text)}", flush=True)


def show(play):
    heading(f"Findings since {play.monday(1)}, as the security team sees them; trends against as many days before")
    print(play.collector.as_account("security", "findings", "--from", play.monday(1)), end="", flush=True)
    heading(f"The brief for the unit sales, week {play.last_week()}, as its relationship manager sees it")
    print(play.collector.as_account("e1901", "brief", "sales", "--period", play.last_week()), end="")


def perform(play, keep):
    play.raise_curtain()
    play.play_earlier_days()
    play.play_release_and_late_report()
    play.play_today()
    total = play.wait_for_totals()
    say(f"equal to the octet: {total['connections']} connections, {total['bytes_up']} octets up and {total['bytes_down']} down, "
        "counted at the sockets and held by the collector")
    show(play)
    heading("The page")
    print(f"{play.collector.page}/#token={play.collector.tokens['security']}")
    print(f"sign-in token of the security team: {play.collector.tokens['security']}")
    if keep:
        write_private(DATA / "house.json", json.dumps(play.house()))
        print(f"\nStill running; scripts/demo --stop ends it. Data, logs and configuration: {DATA}")
    else:
        print("\nThe page is gone with the demo's end; scripts/demo --keep leaves it running.")


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo", description="From real packets to findings and a brief, in under a minute.")
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help="leave collector and agents running")
    parser.add_argument("--stop", action="store_true", help="end what --keep left running")
    options = parser.parse_args()
    play = None
    try:
        world.require()
        held = lock()
        clear()
        if options.stop:
            return 0
        DATA.mkdir()
        play = Performance(options.build, DATA, PREFIX, say)
        perform(play, options.keep)
        say("done")
        if options.keep:
            play = None
        held.close()
        return 0
    except StageError as problem:
        print(f"demo: {problem}", file=sys.stderr)
        print(f"demo: logs and data are in {DATA}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    finally:
        if play is not None:
            play.drop_curtain()


if __name__ == "__main__":
    sys.exit(main())
