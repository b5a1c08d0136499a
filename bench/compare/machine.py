# SPDX-License-Identifier: GPL-2.0-only
"""On what it was measured."""
import os
import platform

from shell import read


def processor():
    for line in read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def describe_machine():
    memory = next(line for line in read("/proc/meminfo").splitlines() if line.startswith("MemTotal"))
    return {"processor": processor(), "cpus": os.cpu_count(), "memory_mib": int(memory.split()[1]) // 1024,
            "kernel": platform.release(),
            "virtual": any(" hypervisor " in line for line in read("/proc/cpuinfo").splitlines())}
