# SPDX-License-Identifier: GPL-2.0-only
"""What is measured: which systems with how many rules, by which traffic."""
from workloads import ALL, IPV6, PACKETS, SOCKETS, TALKS

BASE = [("none", 0), ("none2", 0), ("empty", 0), ("insert", 0)]
SYSTEMS = ("epg-stack", "epg-direct", "nft-bridge", "nft-netdev", "nft-ct", "nft-bridge-ct", "iptables",
           "iptables-ct", "ipset", "ipset-ct", "xdp-filter", "ovs", "ovs-ct")
COUNTS = (10, 100, 1000, 10000, 100000, 1000000)
# Measured with any number of rules; other traffic with those of Plan.some_counts.
ALWAYS = ("frames-1", "frames-100k", "new", "denied", "flood-1")


class Plan:
    def __init__(self, cells, workloads, some_counts, rounds, milliseconds, quick=False):
        self.cells, self.workloads, self.some_counts = cells, workloads, some_counts
        self.rounds, self.milliseconds, self.quick = rounds, milliseconds, quick

    def restrict(self, systems, counts):
        """To some systems or numbers of rules; no policy stays, since all are compared with it."""
        if systems:
            self.cells = [cell for cell in self.cells if cell[0] in {*systems, "none", "none2"}]
        if counts:
            self.cells = [cell for cell in self.cells if cell[1] in {*counts, 0}]
            self.some_counts = counts

    def wants(self, cell, workload):
        if workload.family not in cell.families or workload.command not in cell.commands:
            return False
        if cell.key == "insert":
            return workload.name == "new"
        if not cell.has_rules:
            return not workload.denied
        return workload.name in ALWAYS or cell.count in self.some_counts


def quick():
    cells = BASE + [(key, count) for count in (1000, 100000) for key in ("epg-stack", "epg-direct", "nft-bridge")]
    cells += [("epg-stack", 10), ("epg-stack", 1000000)]
    return Plan(cells, [ALL[name] for name in ALWAYS] + TALKS, (1000,), 9, 80, quick=True)


def full():
    cells = BASE + [(key, count) for count in COUNTS for key in SYSTEMS]
    return Plan(cells, PACKETS + SOCKETS + IPV6 + TALKS, (1000, 100000), 9, 100)
