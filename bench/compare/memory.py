# SPDX-License-Identifier: GPL-2.0-only
"""Kernel memory, by the kernel's own sums: slabs that can't be reclaimed, vmalloc, and per-CPU areas. Rules of all
systems live there: BPF arrays in vmalloc, elements of nftables and ipset in slabs."""
import time

from shell import read


def kernel_bytes():
    sums = dict(line.split(":") for line in read("/proc/meminfo").splitlines())
    return sum(int(sums[name].split()[0]) * 1024 for name in ("SUnreclaim", "VmallocUsed", "Percpu"))


def settled_bytes():
    """After what is freed late has been freed."""
    time.sleep(0.1)
    return kernel_bytes()


def process_bytes(process):
    for line in read(f"/proc/{process}/status").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
