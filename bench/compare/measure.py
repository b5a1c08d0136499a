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


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


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
    """Round by round, what no policy costs: the mean of both unfiltered bridges."""
    both = [series[key, workload].values for key in BASELINES if (key, workload) in series]
    rounds = []
    for values in zip(*both):
        good = [value for value in values if value is not None]
        rounds.append(statistics.fmean(good) if good else None)
    return rounds


def summary(one, base):
    """Medians: of the cost, and, round by round beside the baseline, of what is added and of the ratio."""
    good = one.good()
    if not good:
        return {"failure": one.failure}
    pairs = [(value, none) for value, none in zip(one.values, base) if value is not None and none is not None]
    added = [value - none for value, none in pairs] or [float("nan")]
    ratio = [value / none for value, none in pairs] or [float("nan")]
    result = {"median": statistics.median(good), "quartiles": quartiles(good), "values": good,
              "added": statistics.median(added), "added_quartiles": quartiles(added),
              "ratio": statistics.median(ratio), "ratio_quartiles": quartiles(ratio)}
    if one.failure:
        result["failure"] = one.failure
    return result


def summaries(series):
    """{label: {workload: summary}}"""
    result = {}
    for (label, workload), one in series.items():
        result.setdefault(label, {})[workload] = summary(one, baseline(series, workload))
    return result
