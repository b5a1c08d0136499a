# SPDX-License-Identifier: GPL-2.0-only
"""nftables, iptables and ipset, as a competent operator would write the rules."""
from rules import FIRST_PORT
from shell import Failure, run, write
from system import Cell
from topology import INTERFACES, MACS, has_bridge_netfilter

NO_BRIDGE_NETFILTER = "this kernel has no br_netfilter"
CHUNK = 5000


def chunks(items, size=CHUNK):
    some = []
    for item in items:
        some.append(item)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


class Nft(Cell):
    """A verdict map with one element a rule, on both interfaces, the protocol and the port."""
    table = map_type = None

    def element(self, pair, protocol, port):
        raise NotImplementedError

    def base(self):
        """The table and its chains."""
        raise NotImplementedError

    def elements(self):
        for some in chunks(self.element(*rule) for rule in self.rules.each()):
            yield f"add element {self.table} permits {{ {', '.join(some)} }}\n"

    def prepare(self):
        write(self.scratch("rules.nft"), self.base() + "".join(self.elements()))

    def load(self):
        self.topology.in_host("nft", "-f", self.scratch("rules.nft"))

    def update(self):
        element = self.element(self.rules.pairs - 1, "udp", self.rules.worst_port + 1)
        self.topology.in_host("nft", f"add element {self.table} permits {{ {element} }}")

    def pair_numbers(self, pair):
        """Interfaces of the pair: the containers', or some that don't exist."""
        if not hasattr(self, "numbers"):
            self.numbers = [self.topology.number(name) for name in INTERFACES]
        return self.numbers if self.rules.is_measured(pair) else (1000 + 2 * pair, 1001 + 2 * pair)


class NftBridge(Nft):
    key, title, table = "nft-bridge", "nft bridge map", "bridge epg_bench"

    def base(self):
        return f"""table {self.table} {{
    map permits {{
        typeof iif . oif . meta l4proto . th dport : verdict
    }}
    chain forward {{
        type filter hook forward priority 0; policy drop;
        iif . oif . meta l4proto . th dport vmap @permits
        oif . iif . meta l4proto . th sport vmap @permits
        ether type arp accept
        meta l4proto ipv6-icmp accept
    }}
}}
"""

    def element(self, pair, protocol, port):
        front, back = self.pair_numbers(pair)
        return f"{front} . {back} . {protocol} . {port} : accept"


class NftBridgeConntrack(NftBridge):
    """Connection tracking of the bridge's own, which takes the module nf_conntrack_bridge."""
    key, title, stateful = "nft-bridge-ct", "nft bridge map, ct", True

    @classmethod
    def refusal(cls, count):
        probe = "table bridge probe {\n chain c {\n type filter hook forward priority 0\n ct state new accept\n }\n}\n"
        try:
            run(["unshare", "-n", "nft", "-f", "-"], text=probe)
        except Failure:
            return "this kernel has no nf_conntrack_bridge"
        return None

    def base(self):
        return f"""table {self.table} {{
    map permits {{
        typeof iif . oif . meta l4proto . th dport : verdict
    }}
    chain forward {{
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        ct state new iif . oif . meta l4proto . th dport vmap @permits
        ether type arp accept
        meta l4proto ipv6-icmp accept
    }}
}}
"""


class NftNetdev(Nft):
    """At ingress the other end is known by its MAC address only."""
    key, title, table = "nft-netdev", "nft netdev map", "netdev epg_bench"

    def base(self):
        return f"""table {self.table} {{
    map permits {{
        typeof ether saddr . ether daddr . meta l4proto . th dport : verdict
    }}
    chain ingress {{
        type filter hook ingress devices = {{ {INTERFACES[0]}, {INTERFACES[1]} }} priority 0; policy drop;
        ether saddr . ether daddr . meta l4proto . th dport vmap @permits
        ether daddr . ether saddr . meta l4proto . th sport vmap @permits
        ether type arp accept
        meta l4proto ipv6-icmp accept
    }}
}}
"""

    def element(self, pair, protocol, port):
        front, back = MACS if self.rules.is_measured(pair) else [f"02:01:00:00:{pair:02}:0{side}" for side in (2, 3)]
        return f"{front} . {back} . {protocol} . {port} : accept"


class BridgeNetfilter(Cell):
    """Bridged packets pass the hooks of IP, which is where connection tracking is."""
    families = (4,)

    @classmethod
    def refusal(cls, count):
        return None if has_bridge_netfilter() else NO_BRIDGE_NETFILTER

    def start(self):
        self.topology.set_bridge_netfilter(True)


class NftConntrack(BridgeNetfilter, Nft):
    key, title, table, stateful = "nft-ct", "nft map, ct", "ip epg_bench", True

    def base(self):
        return f"""table {self.table} {{
    map permits {{
        typeof ip saddr . ip daddr . meta l4proto . th dport : verdict
    }}
    chain forward {{
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        ct state new ip saddr . ip daddr . meta l4proto . th dport vmap @permits
    }}
}}
"""

    def element(self, pair, protocol, port):
        front, back = self.rules.addresses(pair)
        return f"{front} . {back} . {protocol} . {port} : accept"


class Iptables(BridgeNetfilter):
    key, title = "iptables", "iptables"
    rules_max = 1000
    conntrack = False

    @classmethod
    def refusal(cls, count):
        if count > cls.rules_max:
            return "rules are walked one by one: hopeless"
        return super().refusal(count)

    def rule(self, pair, protocol, port):
        front, back = self.rules.addresses(pair)
        lines = [f"-A FORWARD -s {front} -d {back} -p {protocol} --dport {port} -j ACCEPT"]
        if not self.conntrack:
            lines.append(f"-A FORWARD -s {back} -d {front} -p {protocol} --sport {port} -j ACCEPT")
        return lines

    def head(self):
        lines = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
        if self.conntrack:
            lines.append("-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")
        return lines

    def prepare(self):
        lines = self.head()
        replies = []
        for rule in self.rules.each():
            there, *back = self.rule(*rule)
            lines.append(there)
            replies += back
        write(self.scratch("rules.iptables"), "\n".join([*lines, *replies, "COMMIT"]) + "\n")

    def load(self):
        self.topology.in_host("iptables-restore", self.scratch("rules.iptables"))

    def update(self):
        line = self.rule(self.rules.pairs - 1, "udp", self.rules.worst_port + 1)[0]
        self.topology.in_host("iptables", *line.split())


class IptablesConntrack(Iptables):
    key, title, conntrack, stateful, rules_max = "iptables-ct", "iptables, ct", True, True, 1000


class Ipset(BridgeNetfilter):
    key, title = "ipset", "ipset"
    conntrack = False

    def set_name(self):
        return "policy"

    def line(self, pair, protocol, port):
        front, back = self.rules.addresses(pair)
        return f"add policy {front},{protocol}:{port},{back}"

    def prepare(self):
        size = max(1024, 2 * self.count)
        lines = [f"create policy hash:ip,port,ip hashsize {size} maxelem {size}"]
        lines += [self.line(*rule) for rule in self.rules.each()]
        write(self.scratch("rules.ipset"), "\n".join(lines) + "\n")
        chain = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
        if self.conntrack:
            chain.append("-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")
        chain.append("-A FORWARD -m set --match-set policy src,dst,dst -j ACCEPT")
        if not self.conntrack:
            chain.append("-A FORWARD -m set --match-set policy dst,src,src -j ACCEPT")
        write(self.scratch("rules.iptables"), "\n".join([*chain, "COMMIT"]) + "\n")

    def load(self):
        self.topology.in_host("ipset", "restore", "-file", self.scratch("rules.ipset"))
        self.topology.in_host("iptables-restore", self.scratch("rules.iptables"))

    def update(self):
        self.topology.in_host("ipset", *self.line(self.rules.pairs - 1, "udp", self.rules.worst_port + 1).split())


class IpsetConntrack(Ipset):
    key, title, conntrack, stateful = "ipset-ct", "ipset, ct", True, True
