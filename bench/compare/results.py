# SPDX-License-Identifier: GPL-2.0-only
"""Questions to what has been measured. A figure that was not measured is None, and so is all that depends on it."""


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
        """One of "cost", "added", "ratio" of a workload."""
        cell = self.cell(system, rules)
        return cell["workloads"].get(workload, {}).get(key) if cell else None

    def property(self, system, rules, key):
        cell = self.cell(system, rules)
        return cell.get(key) if cell else None

    def counts(self, system):
        return sorted(cell["rules"] for cell in self.cells if cell["system"] == system)

    def baseline(self, workload):
        """What no policy costs: the mean of both unfiltered bridges."""
        both = [self.figure(key, 0, workload, "cost") for key in ("none", "none2")]
        good = [value for value in both if value is not None]
        return sum(good) / len(good) if good else None

    def noise(self, workload):
        """How far apart the unfiltered bridges are, which differ in nothing: a share."""
        return self.figure("none2", 0, workload, "noise")
