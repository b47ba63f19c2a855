#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures signalua against the floor (and the .NET reference) and compares the
figures with their bounds.

All servers of a round run at the same time, pinned to core 0; sigload runs on
core 1 and loads one after the other, so that floor and signalua see the same
machine. Of each figure the minimum of all rounds counts: what disturbs a
measurement only ever adds to it.

Exit status: 0 every bound is kept and no message was wrong, 1 not so, 2 it
could not be measured.
"""
import argparse
import dataclasses
import json
import os
import platform
import resource
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SERVER_CORE, LOAD_CORE = 0, 1
START_LIMIT_S = 30
# Share of the server's core that others may take from a sample, and how often
# a sample is taken again when they took more.
FOREIGN_SHARE_MAX = 0.10
ATTEMPTS = 3
# A young .NET process still compiles: after half a minute of load it
# does not.
WARMUP_REFERENCE = ["echo -c 100 -w 4 -W 7.5 -d 0.5",
                    "broadcast -c 200 -w 2 -W 5.5 -d 0.5",
                    "echo -c 100 -w 4 -P msgpack -W 2.5 -d 0.5",
                    "broadcast -c 200 -w 2 -P msgpack -W 2.5 -d 0.5",
                    "stream -c 20 -W 2.5 -d 0.5",
                    "stream -c 20 -P msgpack -W 2.5 -d 0.5",
                    "churn -W 5.5 -d 0.5"]
# Enough for LuaJIT to have compiled what it will compile.
WARMUP_SIGNALUA = ["echo -c 100 -w 4 -W 1.5 -d 0.5",
                   "broadcast -c 200 -w 2 -W 0.5 -d 0.5",
                   "stream -c 20 -W 0.5 -d 0.5"]
FLOORS = ("send", "batch")
FAULTS = ("lost", "gaps", "dups", "bad", "errors", "closed", "conn_fail")


@dataclasses.dataclass
class Figure:
    """One row: how it is measured, and what signalua may cost."""
    key: str
    title: str
    unit: str
    load: str | None  # arguments of sigload
    field: str  # of sigload's result
    floor: str | None  # the server that the bound is a multiple of
    bound: float  # the multiple, or without a floor the value itself
    young: bool = False  # measured before the server has seen any load
    floor_load: str | None = None  # of the floor, where it is another

    def load_of(self, server):
        return self.floor_load if (self.floor_load and server in FLOORS) \
            else self.load


CPU = "CPU us per message"
CPU_ITEM = "CPU us per item"
FIGURES = [
    Figure("start", "start to first answer", "ms", None, "start_ms",
           None, 50, young=True),
    Figure("idle10k", "RSS per idle connection, 10,000", "bytes",
           "connect -c 10000 -H 1.5", "rss_per_conn_b", None, 2048, young=True),
    Figure("echo100", "echo, 100 conns, 1 outstanding", CPU,
           "echo -c 100 -w 1", "cpu_s_per_M", "send", 1.35),
    Figure("echo100w16", "echo, 100 conns, 16 outstanding", CPU,
           "echo -c 100 -w 16", "cpu_s_per_M", "batch", 3.0),
    Figure("bc1000", "broadcast to 1,000, 1 in flight", CPU,
           "broadcast -c 1000 -w 1", "cpu_s_per_M", "send", 1.25),
    Figure("bc5000", "broadcast to 5,000, 1 in flight", CPU,
           "broadcast -c 5000 -w 1", "cpu_s_per_M", "send", 1.25),
    Figure("bc1000w8", "broadcast to 1,000, 8 in flight", CPU,
           "broadcast -c 1000 -w 8", "cpu_s_per_M", "batch", 1.5),
    Figure("churn", "connect, echo, close", CPU,
           "churn", "cpu_s_per_M", "send", 1.3),
    # The floor speaks JSON only: what it costs with that is the measure.
    Figure("echo100mp", "echo, 100 conns, MessagePack", CPU,
           "echo -c 100 -w 1 -P msgpack", "cpu_s_per_M", "send", 1.35,
           floor_load="echo -c 100 -w 1"),
    Figure("bc1000mp", "broadcast to 1,000, MessagePack", CPU,
           "broadcast -c 1000 -w 1 -P msgpack", "cpu_s_per_M", "send", 1.25,
           floor_load="broadcast -c 1000 -w 1"),
    # No floor streams: the reference is the measure, where there is one.
    Figure("stream20", "stream items, 20 conns", CPU_ITEM,
           "stream -c 20 -n 1000", "cpu_s_per_M", "reference", 1.0),
    Figure("stream20mp", "stream items, MessagePack", CPU_ITEM,
           "stream -c 20 -n 1000 -P msgpack", "cpu_s_per_M", "reference",
           1.0),
]


def fail(sentence):
    print(f"bench.py: {sentence}", file=sys.stderr)
    sys.exit(2)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server; `name` is send, batch, signalua or reference."""

    def __init__(self, name, options):
        self.name = name
        self.port = free_port()
        began = time.monotonic()
        self.process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), *self.command(options)],
            cwd=ROOT, stdout=subprocess.DEVNULL,
            stderr=None if name == "signalua" else subprocess.DEVNULL)
        self.await_answer(began)
        self.start_ms = (time.monotonic() - began) * 1000
        time.sleep(0.4)
        self.descriptors = self.count_descriptors()

    def command(self, options):
        if self.name == "signalua":
            return [os.path.abspath(options.signalua), "serve",
                    "--hubs", os.path.join(HERE, "hubs"), "--workers", "1",
                    "--listen", f"127.0.0.1:{self.port}",
                    "--admin", f"127.0.0.1:{free_port()}",
                    "--log-level", "warn"]
        if self.name == "reference":
            return ["dotnet", options.reference_program, str(self.port)]
        return [options.floor, str(self.port), self.name]

    def await_answer(self, began):
        """Waits until a WebSocket upgrade of the hub is accepted."""
        request = (f"GET /bench HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Version: 13\r\n\r\n").encode()
        while time.monotonic() - began < START_LIMIT_S:
            if self.process.poll() is not None:
                fail(f"{self.name} ended with {self.process.returncode}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                    s.sendall(request)
                    if b" 101 " in s.recv(4096):
                        return
            except OSError:
                pass
            time.sleep(0.001)
        self.stop()
        fail(f"{self.name} did not answer within {START_LIMIT_S} s")

    def count_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def settle(self):
        """Waits until the connections of the last load are gone."""
        for _ in range(100):
            if self.count_descriptors() < self.descriptors + 40:
                break
            time.sleep(0.05)
        time.sleep(0.2)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Bench:
    def __init__(self, options):
        self.options = options
        self.figures = [f for f in FIGURES
                        if not options.only or f.key in options.only]
        self.samples = {}  # (server, key) -> list of results
        self.faulty = []

    def servers_wanted(self):
        floors = {f.floor for f in self.figures if f.floor}
        if any(f.young for f in self.figures):
            floors.add("send")
        names = [name for name in FLOORS if name in floors]
        if not self.options.floor_only:
            names.append("signalua")
        if self.options.reference:
            names.append("reference")
        return names

    def write(self, record):
        if self.options.out:
            with open(self.options.out, "a", encoding="ascii") as out:
                out.write(json.dumps(record) + "\n")

    def sigload(self, server, load):
        """One run of sigload; its result, or None when there is none."""
        words = load.split()
        if "-d" not in words:
            words += ["-d", str(self.options.secs)]
        if "-W" not in words and words[0] != "connect":
            words += ["-W", "0.6"]
        command = ["taskset", "-c", str(LOAD_CORE), self.options.sigload,
                   *words, "-p", str(server.port),
                   "-i", str(server.process.pid), "-l", server.name]
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                             timeout=180, check=False)
        server.settle()
        if run.returncode not in (0, 1):
            fail(f"sigload ended with {run.returncode}: {' '.join(command)}")
        return json.loads(run.stdout)

    def keep(self, server, figure, round_number, result):
        result.update(config=server.name, key=figure.key, round=round_number,
                      time=round(time.time(), 1), loadavg=os.getloadavg()[0])
        self.write(result)
        self.samples.setdefault((server.name, figure.key), []).append(result)
        if any(result.get(name) for name in FAULTS):
            self.faulty.append((server.name, figure.key))

    def sample(self, server, figure, round_number):
        """Takes a figure again while others used the server's core."""
        if figure.load is None:
            self.keep(server, figure, round_number,
                      {"start_ms": round(server.start_ms, 1), "held": True})
            return
        for attempt in range(1, ATTEMPTS + 1):
            result = self.sigload(server, figure.load_of(server.name))
            foreign = (result["core_busy"][SERVER_CORE] + result["steal_s"]
                       - result["cpu_user"] - result["cpu_sys"])
            share = max(0, foreign / result["secs"])
            result["foreign_share"] = round(share, 3)
            # Memory does not care who else uses the core.
            result["held"] = figure.young or share <= FOREIGN_SHARE_MAX
            self.keep(server, figure, round_number, result)
            if result["held"]:
                return
            print(f"others had {share:.0%} of the server's core; load average "
                  f"{result['loadavg']:.2f}; attempt {attempt} of {ATTEMPTS}",
                  file=sys.stderr)

    def warm_up(self, server):
        loads = {"signalua": WARMUP_SIGNALUA, "reference": WARMUP_REFERENCE}
        for load in loads.get(server.name, []):
            self.sigload(server, load)

    def run_round(self, round_number):
        servers = []
        try:
            for name in self.servers_wanted():
                servers.append(Server(name, self.options))
            for figure in [f for f in self.figures if f.young]:
                for server in servers:
                    if server.name != "batch":
                        self.sample(server, figure, round_number)
            for server in servers:
                self.warm_up(server)
            for figure in [f for f in self.figures if not f.young]:
                wanted = [s for s in servers if s.name == figure.floor
                          or s.name not in FLOORS]
                for server in wanted * self.options.repeat:
                    self.sample(server, figure, round_number)
        finally:
            for server in servers:
                server.stop()

    def best(self, name, figure):
        """The least value of the samples that held their core, and whether
        there were any; without any, the least of all."""
        samples = self.samples.get((name, figure.key), [])
        held = [s[figure.field] for s in samples if s["held"]]
        rest = [s[figure.field] for s in samples]
        if not rest:
            return None, False
        return (min(held), True) if held else (min(rest), False)

    def judge(self):
        """Prints the table; returns the rows that miss their bound."""
        missed = []
        print(f"\n{'figure':<33}{'unit':<20}{'floor':>17}{'signalua':>10}"
              f"{'ratio':>7}{'bound':>8}  {'verdict':<8}{'reference':>10}")
        for figure in self.figures:
            floor_name = figure.floor or "send"
            floor, floor_held = self.best(floor_name, figure)
            ours, ours_held = self.best("signalua", figure)
            reference, _ = self.best("reference", figure)
            verdict, ratio = "", None
            if ours is not None and (floor or not figure.floor):
                ratio = ours / floor if figure.floor else None
                kept = (ratio if figure.floor else ours) <= figure.bound
                noisy = not (ours_held and floor_held)
                verdict = ("ok" if kept else "MISSED") + ("*" if noisy else "")
                if not kept:
                    missed.append(figure.key)
            bound = f"x{figure.bound}" if figure.floor else f"{figure.bound}"
            print(f"{figure.title:<33}{figure.unit:<20}"
                  f"{floor_name:>9}{show(floor):>8}{show(ours):>10}"
                  f"{show(ratio):>7}{bound:>8}  {verdict:<8}"
                  f"{show(reference):>10}")
        print(f"\nminima of {self.options.rounds} rounds with "
              f"{self.options.repeat} samples of {self.options.secs} s; "
              "load average now "
              f"{os.getloadavg()[0]:.2f}; * = no sample had its core to itself")
        for name, key in self.faulty:
            print(f"WRONG MESSAGES: {name}, {key}")
        return missed


def show(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def cpu_model():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def publish_reference(options):
    """Builds the reference below build/; its sources stay clean."""
    folder = os.path.join(ROOT, "build", "load-reference")
    command = ["dotnet", "publish", os.path.join(HERE, "reference"),
               "-c", "Release", "-o", f"{folder}/out", "--nologo", "-v", "q",
               f"-p:BaseIntermediateOutputPath={folder}/obj/",
               f"-p:BaseOutputPath={folder}/bin/"]
    environment = dict(os.environ, DOTNET_CLI_TELEMETRY_OPTOUT="1")
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        fail("the reference could not be built")
    options.reference_program = f"{folder}/out/bench.dll"


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    build = os.path.join(ROOT, "build", "release")
    keys = [figure.key for figure in FIGURES]
    parser.add_argument("--signalua", default=f"{build}/signalua",
                        help="the program (build/release/signalua)")
    parser.add_argument("--sigload", default=f"{build}/tests/load/sigload")
    parser.add_argument("--floor", default=f"{build}/tests/load/sl_floor")
    parser.add_argument("--floor-only", action="store_true",
                        help="leave signalua out, judge nothing")
    parser.add_argument("--reference", action="store_true",
                        help="build and measure the .NET reference too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=2,
                        help="samples of a figure per round, servers taking "
                             "turns")
    parser.add_argument("--secs", type=float, default=1.5,
                        help="measured window of a sample")
    parser.add_argument("--only", type=lambda text: text.split(","),
                        help="figures, by key: " + ",".join(keys))
    parser.add_argument("--out", help="file the raw results are appended to")
    options = parser.parse_args()
    for key in options.only or []:
        if key not in keys:
            fail(f"--only {key}: one of {','.join(keys)} is needed")
    programs = [options.sigload, options.floor]
    if not options.floor_only:
        programs.append(options.signalua)
    for program in programs:
        if not os.access(program, os.X_OK):
            fail(f"{program} is not there: build the release preset first")
    return options


def main():
    options = parse_options()
    if os.cpu_count() < 2:
        fail("two cores are needed, one for the server and one for the load")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.reference:
        publish_reference(options)
    bench = Bench(options)
    bench.write({"key": "run", "time": round(time.time(), 1),
                 "cpu": cpu_model(), "cores": os.cpu_count(),
                 "kernel": platform.release(), "rounds": options.rounds,
                 "loadavg": os.getloadavg()[0]})
    for round_number in range(1, options.rounds + 1):
        print(f"round {round_number}, load average {os.getloadavg()[0]:.2f}",
              file=sys.stderr)
        bench.run_round(round_number)
    missed = bench.judge()
    return 1 if missed or bench.faulty else 0


if __name__ == "__main__":
    sys.exit(main())
