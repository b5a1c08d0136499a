# SPDX-License-Identifier: GPL-2.0-only
"""Questions to what has been measured. A figure that was not measured is None, and so is all that depends on it."""
import math


class Results:
    def __init__(self, document):
        self.document = document
        self.cells = document["cells"]

    def cell(self, system, rules):
        for cell in self.cells:
            if cell["system"] == system and cell["rules"] == rules:
                return cell
        return None

    def figure(self, system, rules, workload, key):
        """One of "median", "added", "ratio" of a workload."""
        cell = self.cell(system, rules)
        value = cell["workloads"].get(workload, {}).get(key) if cell else None
        return None if value is None or math.isnan(value) else value

    def property(self, system, rules, key):
        cell = self.cell(system, rules)
        return cell.get(key) if cell else None

    def counts(self, system):
        return sorted(cell["rules"] for cell in self.cells if cell["system"] == system)

    def baseline(self, workload):
        """What no policy costs: the mean of both unfiltered bridges."""
        both = [self.figure(key, 0, workload, "median") for key in ("none", "none2")]
        good = [value for value in both if value is not None]
        return sum(good) / len(good) if good else None

    def noise(self, workload):
        """How far both unfiltered bridges, which differ in nothing, were apart in half of the rounds: a share."""
        cell = self.cell("none2", 0)
        one = cell["workloads"].get(workload) if cell else None
        if not one or "ratio_quartiles" not in one:
            return None
        low, high = one["ratio_quartiles"]
        return max(abs(low - 1), abs(high - 1)) * 2
