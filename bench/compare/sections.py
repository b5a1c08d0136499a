# SPDX-License-Identifier: GPL-2.0-only
"""What is told, as tables; how they look is another's affair (render.py)."""
from results import Results
from verdicts import MIB

PACKETS = (("frames-1", "one flow"), ("frames-1k", "1 000"), ("frames-100k", "100 000"), ("new", "first"))
SOCKETS = (("flood-1", "one flow"), ("flood-1k", "1 000"), ("flood-100k", "100 000"))
IPV6 = (("frames-1-v6", "one flow"), ("frames-100k-v6", "100 000"), ("flood-1-v6", "socket"))
TALKS = (("udp-rr", "UDP rr"), ("tcp-rr", "TCP rr"), ("connect", "connect"), ("stream", "stream"))


class Section:
    def __init__(self, title, note, headers, rows):
        self.title, self.note, self.headers, self.rows = title, note, headers, rows


def grouped(number):
    return f"{number:,}".replace(",", " ")


def rules_of(cell):
    return grouped(cell["rules"]) if cell["rules"] else "-"


def added_text(one):
    """"+120 (1.11)": nanoseconds beside no policy, and the whole beside it."""
    if not one:
        return "-"
    if "added" not in one:
        return "fails"
    added = f"{one['added']:+.0f}" if one["added"] < 10000 else f"{one['added'] / 1000:+.0f}k"
    return f"{added} ({one['ratio']:.2f})" if one["ratio"] < 10 else f"{added} ({one['ratio']:.0f})"


def ordered(cells):
    """Systems in the order in which they were set up first, each with its numbers of rules."""
    systems = list(dict.fromkeys(cell["system"] for cell in cells))
    return sorted(cells, key=lambda cell: (systems.index(cell["system"]), cell["rules"]))


def measured_cells(results, workloads):
    return [cell for cell in ordered(results.cells)
            if cell["system"] not in ("none", "none2") and any(name in cell["workloads"] for name, _ in workloads)]


def noise_text(results, workload):
    noise = results.noise(workload)
    base = results.baseline(workload)
    return "-" if noise is None else f"+-{noise * base:.0f}"


def packet_section(results, title, note, workloads, denied=False):
    workloads = [pair for pair in workloads if results.baseline(pair[0]) is not None]
    if not workloads:
        return None
    headers = ["", "rules", *(header for _, header in workloads)] + (["denied"] if denied else [])
    extra = [""] if denied else []
    rows = [["no policy, ns", "-", *(f"{results.baseline(name):.0f}" for name, _ in workloads)] + extra,
            ["  noise", "", *(noise_text(results, name) for name, _ in workloads)] + extra]
    for cell in measured_cells(results, workloads):
        row = [cell["title"], rules_of(cell), *(added_text(cell["workloads"].get(name)) for name, _ in workloads)]
        if denied:
            one = cell["workloads"].get("denied", {})
            row.append(f"{one['cost']:.0f}" if "cost" in one else "-")
        rows.append(row)
    return Section(title, note, headers, rows)


def ratio_text(ratio):
    if ratio is None:
        return "-"
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def talk_section(results):
    rows = []
    for cell in measured_cells(results, TALKS):
        ratios = [results.figure(cell["system"], cell["rules"], name, "ratio") for name, _ in TALKS]
        if all(ratio is None for ratio in ratios):
            continue
        if ratios[3]:
            ratios[3] = 1 / ratios[3]
        rows.append([cell["title"], rules_of(cell), *map(ratio_text, ratios)])
    if not rows:
        return None
    noise = [results.noise(name) for name, _ in TALKS]
    rows.insert(0, ["  noise", "", *("-" if share is None else f"+-{share:.2f}" for share in noise)])
    return Section("Both ends on one CPU, beside no policy",
                   "CPU time a request and response, and a connection; of the stream bytes a CPU second.",
                   ["", "rules", *(header for _, header in TALKS)], rows)


def seconds_text(seconds):
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def bytes_text(count):
    if count is None:
        return "-"
    return f"{max(count, 0) / MIB:.1f} MiB"


def load_section(results):
    rows = [[cell["title"], rules_of(cell), seconds_text(cell["load_s"]), seconds_text(cell["update_s"]),
             bytes_text(cell["rule_bytes"]), bytes_text(cell["fixed_bytes"])]
            for cell in ordered(results.cells) if cell["load_s"] is not None]
    rows += [["epg, by the C API", rules_of(cell), seconds_text(cell["api_load_s"]),
              seconds_text(cell["api_update_s"]), "", ""]
             for cell in ordered(results.cells) if cell.get("api_load_s") is not None]
    return Section("Load and memory",
                   "From the file into force; one rule more by the system's own command; kernel memory of the rules, "
                   "and of the rest (OVS: of its daemon).",
                   ["", "rules", "load", "one more", "rules", "rest"], rows)


def verdict_text(one):
    if one["reached"] is None:
        return "not measured"
    if one["reached"]:
        return "reached"
    return f"missed, {100 * (one['beyond'] - 1):.0f} %" if one["beyond"] < 10 else f"missed, x {one['beyond']:.0f}"


def verdict_section(results):
    rows = [[one["line"], one["target"], one["measured"] or "-", verdict_text(one)]
            for one in results.document["verdicts"]]
    return Section("Must reach", "", ["", "target", "measured", ""], rows)


def refused_section(results):
    """One row for each reason, with all numbers of rules that it holds for."""
    counts = {}
    for one in results.document["refused"]:
        counts.setdefault((one["title"], one["reason"]), []).append(one["rules"])
    rows = [[title, ", ".join(grouped(count) for count in sorted(some)), reason]
            for (title, reason), some in counts.items()]
    return Section("Left out", "", ["", "rules", "why"], rows) if rows else None


def failed_section(results):
    rows = [[cell["title"], rules_of(cell), f"{name}: {one['failure']}"] for cell in ordered(results.cells)
            for name, one in cell["workloads"].items() if "failure" in one]
    return Section("Failed in some round", "", ["", "rules", "what"], rows) if rows else None


def sections(document):
    results = Results(document)
    some = [
        packet_section(results, "A packet's way through the host",
                       "ns of CPU time a packet beside no policy, and the whole as a ratio; XDP live frames out of the "
                       "container. First: of its flow. Denied: the whole, in ns. ct: connection tracking.",
                       PACKETS, denied=True),
        packet_section(results, "UDP from sockets", "The same with what it costs to send.", SOCKETS),
        packet_section(results, "IPv6", "The same.", IPV6),
        talk_section(results),
        load_section(results),
        refused_section(results),
        failed_section(results),
        verdict_section(results),
    ]
    return [section for section in some if section]
