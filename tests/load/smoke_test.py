#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Short runs of sigload against the floor: every mode the floor can serve must
end with status 0 and count something.

usage: smoke_test.py SIGLOAD SL_FLOOR
"""
import json
import socket
import subprocess
import sys

RUNS = [
    ("send", ["echo", "-c", "20"]),
    ("send", ["echo", "-c", "5", "-w", "16", "-s", "70000"]),
    ("send", ["broadcast", "-c", "20", "-w", "3"]),
    ("send", ["broadcast", "-c", "20", "-r", "50"]),
    ("send", ["churn", "-c", "8"]),
    ("batch", ["broadcast", "-c", "20", "-w", "8"]),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_floor(program, mode):
    """Starts a floor; sigload itself would give up on a refused connection,
    so wait until the listener is there."""
    port = free_port()
    floor = subprocess.Popen([program, str(port), mode],
                             stderr=subprocess.DEVNULL)
    while floor.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return floor, port
        except ConnectionRefusedError:
            continue
    sys.exit(f"the floor ended with status {floor.returncode}")


def main():
    sigload, floor_program = sys.argv[1:]
    for mode, arguments in RUNS:
        floor, port = start_floor(floor_program, mode)
        try:
            run = subprocess.run(
                [sigload, *arguments, "-p", str(port), "-i", str(floor.pid),
                 "-W", "0.1", "-d", "0.3"],
                stdout=subprocess.PIPE, text=True, timeout=60, check=False)
        finally:
            floor.terminate()
            floor.wait()
        if run.returncode != 0:
            sys.exit(f"{arguments}: status {run.returncode}")
        if json.loads(run.stdout)["count"] <= 0:
            sys.exit(f"{arguments}: nothing was counted")
        if floor.returncode != 0:
            sys.exit(f"the floor ended with status {floor.returncode}")


if __name__ == "__main__":
    main()
