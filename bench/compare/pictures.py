# SPDX-License-Identifier: GPL-2.0-only
"""Pictures by gnuplot: one look, and a colour for each system in all of them."""
import os
import shutil

from results import Results
from shell import read, run, write

COLOURS = {
    "none": "#444444", "empty": "#999999", "epg-stack": "#0057b8", "epg-direct": "#00a676",
    "nft-bridge": "#d1495b", "nft-netdev": "#e07a1f", "nft-ct": "#8d5a97", "nft-bridge-ct": "#f29e9e",
    "ipset": "#b08900", "ipset-ct": "#7a6a00", "iptables": "#5c4033", "iptables-ct": "#a0785a", "xdp-filter": "#5e81ac",
    "ovs": "#c2185b", "ovs-ct": "#880e4f",
}
HEAD = """set terminal svg size 960,600 font "Helvetica,14" background rgb "white"
set output "{output}"
set border 3 lc rgb "#555555"
set tics nomirror out
set grid ytics lc rgb "#e4e4e4" lt 1
set key at screen 0.98, screen 0.93 right top vertical Left reverse samplen 1.5 maxrows 3
set label 1 "{title}" font ",17" at screen 0.02, screen 0.955
set tmargin at screen 0.79
set bmargin at screen 0.13
set datafile missing "-"
"""
RULES_AXIS = """set logscale x 10
set xrange [7:1500000]
set xtics ("10" 10, "100" 100, "1 000" 1000, "10 000" 10000, "100 000" 100000, "1 000 000" 1000000)
set xlabel "rules"
"""
# Of the picture of throughput: those that differ enough to be told apart.
THROUGHPUT = ("epg-stack", "epg-direct", "nft-bridge", "nft-ct", "ipset-ct", "xdp-filter", "ovs")


class Line:
    def __init__(self, system, title, points):
        self.system, self.title, self.points = system, title, points


def lines_of(results, value):
    """A line for each system that has rules: value(cell) over their number."""
    lines = []
    for system in dict.fromkeys(cell["system"] for cell in results.cells if cell["rules"]):
        cells = [results.cell(system, count) for count in results.counts(system)]
        points = [(cell["rules"], value(cell)) for cell in cells if value(cell) is not None]
        if points:
            lines.append(Line(system, cells[0]["title"], points))
    return lines


def data_block(number, points):
    rows = "\n".join(f"{x} {y}" for x, y in points)
    return f"$data{number} << end\n{rows}\nend\n"


def plot_lines(output, title, lines, axis):
    blocks = "".join(data_block(number, line.points) for number, line in enumerate(lines))
    plots = ", \\\n  ".join(
        f"$data{number} with linespoints lw 2.5 pt 7 ps 0.7 lc rgb \"{COLOURS[line.system]}\" title \"{line.title}\""
        for number, line in enumerate(lines))
    return HEAD.format(output=output, title=title) + RULES_AXIS + axis + blocks + f"plot {plots}\n"


def plot_bars(output, title, groups, systems, axis):
    """groups: (label, {system: value}); systems: (key, title)."""
    rows = "\n".join(f"\"{label}\" " + " ".join(str(values.get(key, "-")) for key, _ in systems)
                     for label, values in groups)
    plots = ", \\\n  ".join(
        f"$data using {column + 2}{':xtic(1)' if not column else ''} title \"{name}\" lc rgb \"{COLOURS[key]}\""
        for column, (key, name) in enumerate(systems))
    return (HEAD.format(output=output, title=title) + axis +
            "set style data histograms\nset style histogram clustered gap 1.2\nset style fill solid 0.95 noborder\n"
            f"set boxwidth 0.92\n$data << end\n{rows}\nend\nplot {plots}\n")


def cost(results, output, workload, flows):
    def value(cell):
        one = cell["workloads"].get(workload, {})
        return one.get("cost")

    lines = lines_of(results, value)
    base = results.baseline(workload)
    if not lines or base is None:
        return None
    counts = [x for line in lines for x, _ in line.points]
    lines.insert(0, Line("none", "no policy", [(min(counts), base), (max(counts), base)]))
    return plot_lines(output, f"CPU time a packet, {flows}", lines,
                      "set logscale y 10\nset ylabel \"ns\"\nset yrange [400:25000]\n"
                      "set ytics (500, \"1 000\" 1000, \"2 000\" 2000, \"5 000\" 5000, \"10 000\" 10000, "
                      "\"20 000\" 20000)\n")


def load(results, output):
    lines = lines_of(results, lambda cell: cell["load_s"])
    return lines and plot_lines(output, "From the file into force", lines,
                                "set logscale y 10\nset ylabel \"seconds\"\nset format y \"%g\"\n")


def memory(results, output):
    def value(cell):
        mib = (cell["rule_bytes"] or 0) / (1 << 20)
        return mib if mib > 0.05 else None

    lines = lines_of(results, value)
    return lines and plot_lines(output, "Kernel memory of the rules", lines,
                                "set logscale y 10\nset ylabel \"MiB\"\nset format y \"%g\"\n")


def throughput(results, output):
    loads = (("frames-1", "packets"), ("frames-100k", "packets of\\n100 000 flows"), ("flood-1", "UDP flood"),
             ("udp-rr", "UDP\\nrequests"), ("tcp-rr", "TCP\\nrequests"), ("connect", "TCP\\nconnections"),
             ("stream", "TCP\\nstream"))
    systems = [(cell["system"], cell["title"]) for cell in results.cells
               if cell["rules"] == 1000 and cell["system"] in THROUGHPUT]
    groups = []
    for workload, label in loads:
        ratios = {key: results.figure(key, 1000, workload, "ratio") for key, _ in systems}
        values = {key: 1 / ratio for key, ratio in ratios.items() if ratio}
        if values:
            groups.append((label, values))
    axis = "set ylabel \"per CPU second, beside no policy\"\nset yrange [0:*]\nset arrow from graph 0,first 1 to " \
           "graph 1,first 1 nohead lc rgb \"#444444\" lw 1.5 front\n"
    return groups and plot_bars(output, "How much goes through, 1 000 rules", groups, systems, axis)


PICTURES = (
    ("cost-one-flow", "CPU time a packet over the number of rules, one flow",
     lambda results, output: cost(results, output, "frames-1", "one flow, the rule that stands last")),
    ("cost-random", "CPU time a packet over the number of rules, 100 000 flows",
     lambda results, output: cost(results, output, "frames-100k", "100 000 flows at random")),
    ("throughput", "Throughput beside no policy", throughput),
    ("load", "Load time over the number of rules", load),
    ("memory", "Kernel memory over the number of rules", memory),
)


def add_licence(path):
    first, rest = read(path).split("\n", 1)
    write(path, f"{first}\n<!-- SPDX-License-Identifier: GPL-2.0-only -->\n{rest}")


def draw(document, directory):
    """Returns (name, title) of each picture that there were figures for."""
    results = Results(document)
    drawn = []
    if not shutil.which("gnuplot"):
        return drawn
    for name, title, script in PICTURES:
        text = script(results, f"{name}.svg")
        if not text:
            continue
        write(f"{directory}/{name}.gnuplot", text)
        run(["gnuplot", f"{name}.gnuplot"], directory=directory)
        os.remove(f"{directory}/{name}.gnuplot")
        add_licence(f"{directory}/{name}.svg")
        drawn.append((name, title))
    return drawn
