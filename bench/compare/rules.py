# SPDX-License-Identifier: GPL-2.0-only
"""What is permitted, for all systems alike. A rule is (source group, destination group, protocol, port), half of them
UDP and half TCP. One pair of groups has up to 100 000; a million take ten pairs, of which the measured one is last."""
from topology import ADDRESSES, GATEWAYS, INTERFACES

FIRST_PORT = 10001
PAIR_MAX = 100000
DENIED_PORT = 9000


class Rules:
    def __init__(self, count):
        self.count = count
        self.pairs = (count + PAIR_MAX - 1) // PAIR_MAX
        self.ports = count // self.pairs // 2  # of each protocol, of each pair

    @property
    def worst_port(self):
        return FIRST_PORT + self.ports - 1

    def each(self):
        """(pair, protocol, port), the measured pair last."""
        for pair in range(self.pairs):
            for port in range(FIRST_PORT, FIRST_PORT + self.ports):
                yield pair, "tcp", port
                yield pair, "udp", port

    def is_measured(self, pair):
        return pair == self.pairs - 1

    def addresses(self, pair):
        """IPv4, source and destination: of the containers, or of others that don't exist."""
        if self.is_measured(pair):
            return ADDRESSES[4]
        return f"10.78.{pair}.2", f"10.78.{pair}.3"


def entry(protocol, port):
    return f"    - {{name: {protocol}-{port}, etherT: ip, prot: {protocol}, dPort: {port}}}\n"


def policy(rules, forwarding=None, more=()):
    """The text of a policy for epg. `more` are entries beyond the rules', (protocol, port)."""
    lines = ["version: 1\ntenants:\n- name: bench\n  vrfs: [{name: net}]\n  bridgeDomains:\n",
             f"  - {{name: bridge, vrf: net, subnets: [{GATEWAYS[0]}, \"{GATEWAYS[1]}\"]",
             f", forwarding: {forwarding}" if forwarding else "", "}\n  filters:\n"]
    current = None
    for pair, protocol, port in rules.each():
        if pair != current:
            lines.append(f"  - name: filter{pair}\n    entries:\n")
            current = pair
        lines.append(entry(protocol, port))
    lines += [entry(protocol, port) for protocol, port in more]
    lines.append("  contracts:\n")
    lines += [f"  - {{name: contract{pair}, subjects: [{{name: all, filters: [filter{pair}]}}]}}\n"
              for pair in range(rules.pairs)]
    lines.append("  appProfiles:\n  - name: app\n    epgs:\n")
    for pair in range(rules.pairs):
        for side, (name, verb) in enumerate((("front", "consume"), ("back", "provide"))):
            lines.append(f"    - name: {name}{pair}\n      bridgeDomain: bridge\n      {verb}: [contract{pair}]\n")
            if rules.is_measured(pair):
                lines.append(f"      endpoints:\n      - {{interface: {INTERFACES[side]}, "
                             f"ips: [{ADDRESSES[4][side]}, \"{ADDRESSES[6][side]}\"]}}\n")
    return "".join(lines)
