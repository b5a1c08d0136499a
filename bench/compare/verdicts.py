# SPDX-License-Identifier: GPL-2.0-only
"""What the project has promised to reach, and whether this run shows it."""
from results import Results

MIB = 1 << 20


def quotient(numerator, denominator):
    if numerator is None or denominator is None or denominator <= 0:
        return None
    return numerator / denominator


def at_most(line, limit, measured, unit=""):
    return verdict(line, f"at most {limit:g}{unit}", measured, unit, measured and measured / limit)


def at_least(line, limit, measured, unit=""):
    return verdict(line, f"at least {limit:g}{unit}", measured, unit, measured and limit / measured)


def verdict(line, target, measured, unit, beyond):
    """`beyond` is how many times as much as is allowed was measured: reached up to 1."""
    if measured is None:
        return {"line": line, "target": target, "measured": None, "reached": None, "beyond": None}
    text = f"{measured:.0f}" if abs(measured) >= 100 else f"{measured:.3g}"
    return {"line": line, "target": target, "measured": text + unit, "reached": beyond <= 1, "beyond": beyond}


def stack_lines(results):
    def beside_nft(rules, workload):
        return quotient(results.figure("epg-stack", rules, workload, "added"),
                        results.figure("nft-bridge", rules, workload, "added"))

    yield at_most("stack: added / nft bridge map's, 1 000 rules, one flow", 0.8, beside_nft(1000, "frames-1"))
    yield at_most("stack: the same, 100 000 rules, 100 000 flows", 0.7, beside_nft(100000, "frames-100k"))
    counts = [count for count in results.counts("epg-stack")
              if results.figure("epg-stack", count, "frames-1", "ratio") is not None]
    ratios = [results.figure("epg-stack", count, "frames-1", "ratio") for count in counts]
    spread = 100 * (max(ratios) / min(ratios) - 1) if len(ratios) > 1 else None
    reach = f"{counts[0]:,} to {counts[-1]:,}".replace(",", " ") if len(counts) > 1 else "all"
    yield at_most(f"stack: with {reach} rules packets differ by", 10, spread, " %")


def direct_lines(results):
    def rate(rules, workload):
        return quotient(1, results.figure("epg-direct", rules, workload, "ratio"))

    yield at_least("direct: packet rate / no policy's, one flow", 1.8, rate(1000, "frames-1"))
    yield at_least("direct: the same, 100 000 rules, 100 000 flows", 1.4, rate(100000, "frames-100k"))
    for workload, line, limit in (("tcp-rr", "TCP request, response", 0.93), ("udp-rr", "UDP request, response", 0.93),
                                  ("connect", "TCP connection", 0.95)):
        yield at_most(f"direct: CPU / no policy's, {line}", limit,
                      results.figure("epg-direct", 1000, workload, "ratio"))
    yield at_least("direct: TCP stream a CPU second / no policy's", 1.05, rate(1000, "stream"))


def packet_lines(results):
    new = results.figure("epg-stack", 1000, "new", "added")
    established = results.figure("epg-stack", 1000, "frames-100k", "added")
    insertion = results.figure("insert", 0, "new", "added")
    allowed = None if established is None or insertion is None else 2 * established + insertion
    yield at_most("first packet: added / (2 x established + insertion)", 1, quotient(new, allowed))
    for system in ("epg-stack", "epg-direct"):
        yield at_most(f"{system[4:]}: a denied packet / a permitted one", 1,
                      quotient(results.figure(system, 1000, "denied", "cost"),
                               results.figure(system, 1000, "frames-1", "cost")))


def load_lines(results):
    def figure(rules, key, factor=1):
        value = results.property("epg-stack", rules, key)
        return None if value is None else value * factor

    yield at_most("100 000 rules from YAML into force", 0.5, figure(100000, "load_s"), " s")
    yield at_most("1 000 000 rules from YAML into force", 5, figure(1000000, "load_s"), " s")
    yield at_most("  memory of the process", 1024, figure(1000000, "peak_bytes", 1 / MIB), " MiB")
    yield at_most("100 000 rules by the C API into force", 50, figure(100000, "api_load_s", 1000), " ms")
    yield at_most("one rule more at 1 000 000, by the C API", 10, figure(1000000, "api_update_s", 1000), " ms")


def memory_lines(results):
    """What the first rules take beside themselves, the table of flows for one, is the same however many they are."""
    counts = results.counts("epg-stack")
    least, most = [results.cell("epg-stack", counts[i]) for i in (0, -1)] if counts else (None, None)
    grown = most["rule_bytes"] - least["rule_bytes"] if len(counts) > 1 else None
    yield at_most("kernel memory a rule", 24, quotient(grown, most["rules"] - least["rules"] if grown else None),
                  " bytes")
    yield at_most("kernel memory with an empty policy", 8, least and least["fixed_bytes"] / MIB, " MiB")


def judge(document):
    results = Results(document)
    return [line for lines in (stack_lines, direct_lines, packet_lines, load_lines, memory_lines)
            for line in lines(results)]
