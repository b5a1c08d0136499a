# SPDX-License-Identifier: GPL-2.0-only
"""Which traffic is sent. Each workload is one call of bench-traffic and gives one cost: CPU nanoseconds a packet,
transaction, connection, or KiB."""
import json
import os

from rules import DENIED_PORT, FIRST_PORT
from shell import Failure, run
from topology import ADDRESSES, MACS

SOURCE_PORT = 20000
NEW_PORT = 1024
NEW_PORTS_END = 65000


class Workload:
    def __init__(self, name, title, command, flows=1, family=4, tcp=False, once=False, denied=False, scale=1):
        self.name, self.title, self.command, self.flows, self.family = name, title, command, flows, family
        self.tcp, self.once, self.denied, self.scale = tcp, once, denied, scale

    def ports(self, cell):
        """One flow uses the rule that stands last; many are spread over all rules of the pair at random."""
        if self.denied:
            return DENIED_PORT, 1
        if self.flows == 1:
            return cell.rules.worst_port, 1
        return FIRST_PORT, cell.rules.ports

    def flow_count(self, cell):
        """Few rules have few ports: 5 destination ports would take 20 000 sockets for 100 000 flows."""
        return min(self.flows, 2000 * cell.rules.ports)

    def new_source_port(self, cell, turn):
        sources = -(-self.flow_count(cell) // min(cell.rules.ports, self.flow_count(cell)))
        return NEW_PORT + turn * sources % (NEW_PORTS_END - NEW_PORT - sources)

    def arguments(self, cell, turn):
        source, destination = ADDRESSES[self.family]
        port, ports = self.ports(cell)
        topology = cell.topology
        words = [self.command, "--from", topology.containers[0], "--to", topology.containers[1], "--interface", "eth0",
                 "--source", source, "--destination", destination, "--port", port, "--ports", ports,
                 "--flows", self.flow_count(cell), "--cpu", cell.bench.cpu, "--milliseconds", cell.bench.milliseconds,
                 "--source-port", self.new_source_port(cell, turn) if self.once else SOURCE_PORT]
        if self.command == "frames":
            words += ["--source-mac", MACS[0], "--destination-mac", MACS[1]]
        words += ["--window", cell.window] if cell.window else []
        words += [f"--{name}" for name in ("tcp", "once", "denied") if getattr(self, name)]
        for process in cell.bench.kernel_threads + cell.processes():
            words += ["--also", process]
        return words

    def check(self, result):
        """A figure counts only if packets went the way that they should."""
        if self.command not in ("flood", "frames"):
            return
        if self.denied and result["received"]:
            raise Failure(f"{result['received']} packets passed that should have been denied")
        if self.denied:
            return
        if result["received"] < 0.99 * result["sent"]:
            raise Failure(f"only {result['received']} of {result['sent']} packets arrived")
        if not self.once and not result["answered"]:
            raise Failure("no flow could be established")
        if result["elsewhere"] > 0.01 * result["sent"]:
            raise Failure(f"{result['elsewhere']} packets were handled by another CPU, whose time is not counted")

    def measure(self, cell, turn):
        """What one unit cost, in nanoseconds."""
        result = json.loads(run([cell.bench.traffic, *self.arguments(cell, turn)]))
        self.check(result)
        if not result["count"]:
            raise Failure("nothing was sent")
        return result["cpu_ns"] * self.scale / result["count"]


PACKETS = [
    Workload("frames-1", "one flow", "frames"),
    Workload("frames-1k", "1 000 flows", "frames", flows=1000),
    Workload("frames-100k", "100 000 flows", "frames", flows=100000),
    Workload("new", "first packets", "frames", flows=100000, once=True),
    Workload("denied", "denied", "frames", denied=True),
]
SOCKETS = [
    Workload("flood-1", "UDP flood, one flow", "flood"),
    Workload("flood-1k", "UDP flood, 1 000 flows", "flood", flows=1000),
    Workload("flood-100k", "UDP flood, 100 000 flows", "flood", flows=100000),
]
IPV6 = [
    Workload("frames-1-v6", "IPv6, one flow", "frames", family=6),
    Workload("frames-100k-v6", "IPv6, 100 000 flows", "frames", flows=100000, family=6),
    Workload("flood-1-v6", "IPv6 UDP flood, one flow", "flood", family=6),
]
TALKS = [
    Workload("udp-rr", "UDP request/response", "rr"),
    Workload("tcp-rr", "TCP request/response", "rr", tcp=True),
    Workload("connect", "TCP connect", "connect", tcp=True),
    Workload("stream", "TCP stream, KiB", "stream", tcp=True, scale=1024),
]
ALL = {workload.name: workload for workload in PACKETS + SOCKETS + IPV6 + TALKS}


def softirq_threads(cpu):
    """The kernel's thread that takes over softirqs of this CPU."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/comm", encoding="utf-8") as file:
                if file.read().strip() == f"ksoftirqd/{cpu}":
                    found.append(int(process))
        except OSError:
            pass  # it has ended
    return found
