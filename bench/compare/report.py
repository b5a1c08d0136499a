#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes docs/performance-results.md, and pictures beside it, from the results of tools/bench.

usage: bench/compare/report.py RESULTS.json DIRECTORY
"""
import json
import os
import sys

import pictures
from render import markdown
from sections import grouped, sections
from shell import read, write

HEAD = """<!-- SPDX-License-Identifier: GPL-2.0-only -->
<!-- Made by bench/compare/report.py; don't edit. -->
# What tools/bench measured

{date}, Linux {kernel}, {processor}, {cpus} CPUs, {memory} MiB of memory{virtual}.
{rounds} interleaved rounds of {milliseconds} ms a figure, which is their lower quartile: what disturbs a round only ever
adds to it.

Costs are CPU time: by the scheduler's account, in nanoseconds, of the processes that send and receive, of the kernel's
softirq thread on their CPU, and of daemons that forward packets. All of it runs on one CPU; a figure counts only if
that CPU handled the packets, and if what is permitted arrived and what is denied did not. *Noise* is how far apart
figures are that should be the same: of two bridges without any policy, in odd and in even rounds. The rule that one flow uses stands last; 100 000 flows are
spread over all rules of the measured pair of groups at random (10 000 flows where there are but 10 rules).
"""


def head(document):
    machine = document["machine"]
    return HEAD.format(date=document["date"], kernel=machine["kernel"], processor=machine["processor"],
                       cpus=machine["cpus"], memory=grouped(machine["memory_mib"]), rounds=document["rounds"],
                       milliseconds=document["milliseconds"],
                       virtual=", a virtual machine" if machine["virtual"] else "")


def make(document, directory):
    os.makedirs(f"{directory}/pictures", exist_ok=True)
    drawn = pictures.draw(document, f"{directory}/pictures")
    links = "".join(f"\n![{title}](pictures/{name}.svg)\n" for name, title in drawn)
    write(f"{directory}/performance-results.md", head(document) + links + markdown(sections(document)))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    make(json.loads(read(sys.argv[1])), sys.argv[2])
