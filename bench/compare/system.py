# SPDX-License-Identifier: GPL-2.0-only
"""What is compared: the interface that all systems have, and those that need no programs of others."""
import glob
import json
import shutil
import subprocess

import memory
from rules import Rules
from shell import Failure, run, run_peak, say, timed
from topology import INTERFACES, Topology


class Cell:
    """One system with one number of rules, on a topology of its own."""
    key = title = None
    stateful = False
    has_rules = True
    bridge = True
    families = (4, 6)
    # Loads that it can carry.
    commands = ("frames", "flood", "rr", "connect", "stream")
    # Packets that may be under way, where something may be overrun.
    window = 0

    def __init__(self, bench, count):
        self.bench = bench
        self.rules = Rules(count) if self.has_rules else Rules(2)
        self.count = count if self.has_rules else 0
        number = len(bench.cells)
        self.name = f"{bench.prefix}{number}"
        self.topology = Topology(self.name)
        self.load_s = self.update_s = None
        self.fixed_bytes = self.rule_bytes = self.peak_bytes = None
        self.api = {}

    @classmethod
    def refusal(cls, count):
        """Why it can't be had with so many rules here, or None."""
        return None

    def label(self):
        return f"{self.key} {self.count}" if self.has_rules else self.key

    def start(self):
        """What comes before rules: programs, daemons."""

    def prepare(self):
        """Writes what load() reads; not timed."""

    def load(self):
        """Puts the rules in force."""

    def update(self):
        """Adds one rule, as its user would."""

    def stop(self):
        """Takes away what does not go with the network namespaces."""

    def processes(self):
        """Whose CPU time counts beside the kernel's."""
        return []

    def set_up(self):
        self.topology.create(self.bridge)
        before = memory.settled_bytes()
        self.start()
        self.prepare()
        started = memory.settled_bytes()
        self.load_s = timed(self.load)
        self.rule_bytes = memory.settled_bytes() - started
        self.fixed_bytes = started - before

    def measure_update(self):
        if self.has_rules:
            self.update_s = timed(self.update)

    def tear_down(self):
        try:
            self.stop()
        finally:
            self.topology.remove()

    def scratch(self, name):
        return f"{self.bench.scratch}/{self.name}-{name}"


class Unfiltered(Cell):
    key, title, has_rules = "none", "no policy", False


class UnfilteredAgain(Unfiltered):
    """The same once more: what differs between both is noise."""
    key, title = "none2", "no policy, again"


class Attached(Cell):
    """A program of bench-traffic at the hooks that epg uses."""
    has_rules = False
    program = None

    def start(self):
        command = [self.bench.traffic, "attach", "--host", self.topology.host, "--program", self.program]
        for interface in INTERFACES:
            command += ["--interface", interface]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if not self.child.stdout.readline():
            raise Failure(self.child.stderr.read().strip())

    def stop(self):
        child = getattr(self, "child", None)
        if child:
            child.terminate()
            child.wait()


class Empty(Attached):
    key, title, program = "empty", "empty programs", "empty"


class Insert(Attached):
    """To tell what an insertion into an LRU hash costs, by packets that are each the first of a flow."""
    key, title, program = "insert", "an LRU insertion", "insert"


class Epg(Cell):
    stateful = True
    forwarding = None

    def __init__(self, bench, count):
        super().__init__(bench, count)
        self.pin = f"/sys/fs/bpf/{self.name}"

    def command(self, *words):
        return ["nsenter", f"--net=/run/netns/{self.topology.host}", self.bench.epgctl, "--pin", self.pin, *words]

    def epgctl(self, *words):
        return run(self.command(*words))

    def start(self):
        """An empty policy is a part of what there is before any rule."""
        path = self.scratch("empty.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("version: 1\ntenants: []\n")
        self.epgctl("-q", "load", *(("--rules", 2 * self.count) if self.count > 400000 else ()))
        self.epgctl("-q", "apply", "-f", path)

    def prepare(self):
        path = self.scratch("policy.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.bench.policy(self.rules, self.forwarding))

    def load(self):
        self.peak_bytes = run_peak(self.command("-q", "apply", "-f", self.scratch("policy.yaml")))

    def update(self):
        self.epgctl("-q", "apply", "-f", self.scratch("more.yaml"))

    def measure_update(self):
        path = self.scratch("more.yaml")
        more = [("udp", self.rules.worst_port + 1)]
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.bench.policy(self.rules, self.forwarding, more))
        super().measure_update()

    def stop(self):
        run(self.command("-q", "unload"), check=False)
        # Where a load was cut off there is a part of it.
        for left in glob.glob(f"{self.pin}*"):
            if left == self.pin or left.startswith(f"{self.pin}~"):
                shutil.rmtree(left, ignore_errors=True)


class EpgStack(Epg):
    key, title = "epg-stack", "epg stack"

    def measure_update(self):
        super().measure_update()
        try:
            self.api = json.loads(run([self.bench.api, self.count]))
        except Failure as failure:
            say(f"the C API, {self.count} rules: {failure}")


class EpgDirect(Epg):
    key, title, forwarding = "epg-direct", "epg direct", "direct"
