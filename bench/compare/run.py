#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Sets up all systems, measures, cleans up. Run by tools/bench, as root."""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time

import netfilter
import plans
import report
import switches
import system
import verdicts
from render import text
from sections import sections
from machine import describe_machine
from measure import measure, summaries
from rules import policy
from shell import Failure, say
from workloads import softirq_threads

SYSTEMS = {kind.key: kind for kind in (
    system.Unfiltered, system.UnfilteredAgain, system.Empty, system.Insert, system.EpgStack, system.EpgDirect,
    netfilter.NftBridge, netfilter.NftNetdev, netfilter.NftConntrack, netfilter.NftBridgeConntrack,
    netfilter.Iptables, netfilter.IptablesConntrack, netfilter.Ipset, netfilter.IpsetConntrack,
    switches.XdpFilter, switches.Ovs, switches.OvsConntrack)}


class Bench:
    """What is set up, and what all systems share."""

    def __init__(self, arguments):
        self.cells = []
        self.refused = []
        self.prefix = f"eb{os.getpid()}-"
        self.scratch = tempfile.mkdtemp(prefix="epg-bench-")
        self.traffic = f"{arguments.build}/bench/bench-traffic"
        self.api = f"{arguments.build}/bench/bench-api"
        self.epgctl = f"{arguments.build}/loader/epgctl"
        self.cpu = os.cpu_count() - 1
        self.milliseconds = arguments.milliseconds
        self.kernel_threads = softirq_threads(self.cpu)
        self.policy = policy

    def add(self, kind, count):
        cell = kind(self, count)
        reason = kind.refusal(cell.count)
        if not reason:
            say(f"setting up {cell.label()}")
            self.cells.append(cell)
            try:
                cell.set_up()
                cell.measure_update()
                return
            except Failure as failure:
                reason = str(failure)
                self.cells.pop()
                cell.tear_down()
        say(f"left out: {cell.label()}: {reason}")
        self.refused.append({"system": kind.key, "title": kind.title, "rules": cell.count, "reason": reason})

    def clean_up(self):
        while self.cells:
            cell = self.cells.pop()
            try:
                cell.tear_down()
            except (Failure, OSError) as failure:
                say(f"{cell.label()}: {failure}")
        shutil.rmtree(self.scratch, ignore_errors=True)


def describe(cell, costs):
    return {"system": cell.key, "title": cell.title, "rules": cell.count, "stateful": cell.stateful,
            "load_s": cell.load_s if cell.has_rules else None, "update_s": cell.update_s,
            "api_load_s": cell.api.get("load_s"), "api_update_s": cell.api.get("update_s"),
            "peak_bytes": cell.peak_bytes, "fixed_bytes": cell.fixed_bytes,
            "rule_bytes": cell.rule_bytes if cell.has_rules else None,
            "workloads": costs.get(cell.label(), {})}


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tools/bench")
    parser.add_argument("--build", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--milliseconds", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--rules", default="")
    return parser.parse_args()


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def compare(bench, plan, started):
    for key, count in plan.cells:
        bench.add(SYSTEMS[key], count)
    costs = summaries(measure(bench.cells, plan, plan.rounds))
    results = {"date": time.strftime("%Y-%m-%d"), "machine": describe_machine(), "quick": plan.quick,
               "rounds": plan.rounds, "milliseconds": bench.milliseconds,
               "cells": [describe(cell, costs) for cell in bench.cells], "refused": bench.refused}
    results["verdicts"] = verdicts.judge(results)
    results["seconds"] = round(time.monotonic() - started)
    return results


def main():
    arguments = parse_arguments()
    started = time.monotonic()
    plan = plans.quick() if arguments.quick else plans.full()
    plan.restrict([name for name in arguments.only.split(",") if name],
                  [int(count) for count in arguments.rules.split(",") if count])
    plan.rounds = arguments.rounds or plan.rounds
    arguments.milliseconds = arguments.milliseconds or plan.milliseconds
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    bench = Bench(arguments)
    try:
        results = compare(bench, plan, started)
    except KeyboardInterrupt:
        say("interrupted; cleaning up")
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        bench.clean_up()
    os.makedirs(arguments.output, exist_ok=True)
    with open(f"{arguments.output}/results.json", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
    report.make(results, arguments.output)
    sys.stdout.write(text(sections(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
