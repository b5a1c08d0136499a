# SPDX-License-Identifier: GPL-2.0-only
"""Interleaved rounds: each workload goes over all systems before the next one comes, in another order each time, so
that what drifts with the machine drifts for all alike."""
import random
import statistics

from shell import Failure, say
from system import Unfiltered, UnfilteredAgain

BASELINES = (Unfiltered.key, UnfilteredAgain.key)


class Series:
    """What one workload cost on one system, round by round; None where a round failed."""

    def __init__(self):
        self.values = []
        self.failure = None

    def add(self, value):
        self.values.append(value)

    def good(self):
        return [value for value in self.values if value is not None]


def quiet(values):
    """The lower quartile. What disturbs a round, another machine on the same host or a clock that was lowered, only ever
    adds to it, and lasts for a few rounds: the quieter ones are what is compared."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=4, method="inclusive")[0]


def measure_round(cells, plan, series, turn):
    for workload in plan.workloads:
        order = [cell for cell in cells if plan.wants(cell, workload)]
        random.shuffle(order)
        for cell in order:
            one = series.setdefault((cell.label(), workload.name), Series())
            try:
                one.add(workload.measure(cell, turn))
            except Failure as failure:
                one.add(None)
                one.failure = str(failure)


def measure(cells, plan, rounds):
    series = {}
    for turn in range(rounds):
        say(f"round {turn + 1} of {rounds}")
        measure_round(cells, plan, series, turn)
    return series


def baseline(series, workload):
    """All rounds of both unfiltered bridges."""
    both = [series[key, workload].good() for key in BASELINES if (key, workload) in series]
    return [value for values in both for value in values]


def noise(series, workload):
    """How far apart is what differs in nothing, as a share: both unfiltered bridges, their odd and their even rounds."""
    halves = [series[key, workload].good()[first::2] for key in BASELINES if (key, workload) in series
              for first in (0, 1)]
    costs = [quiet(values) for values in halves if values]
    return (max(costs) / min(costs) - 1) / 2 if len(costs) > 1 else None


def summary(one, base):
    """The cost of one unit, and beside no policy's: what is added to it, and how many times as much it is."""
    good = one.good()
    if not good:
        return {"failure": one.failure}
    cost = quiet(good)
    result = {"cost": cost, "median": statistics.median(good), "values": good}
    if base:
        result |= {"added": cost - quiet(base), "ratio": cost / quiet(base)}
    if one.failure:
        result["failure"] = one.failure
    return result


def summaries(series):
    """{label: {workload: summary}}; no policy's second row tells the noise besides."""
    result = {}
    for (label, workload), one in series.items():
        result.setdefault(label, {})[workload] = summary(one, baseline(series, workload))
        if label == UnfilteredAgain.key:
            result[label][workload]["noise"] = noise(series, workload)
    return result
