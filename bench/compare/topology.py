# SPDX-License-Identifier: GPL-2.0-only
"""A host with a bridge and two containers, each a network namespace: one for every system that is compared, so that
all can be measured in turn without setting up anything in between."""
from shell import read, run, say

ADDRESSES = {4: ("10.77.0.2", "10.77.0.3"), 6: ("fd77::2", "fd77::3")}
GATEWAYS = ("10.77.0.1/24", "fd77::1/64")
MACS = ("02:00:00:00:00:02", "02:00:00:00:00:03")
# Of the host: where the sending and the receiving container are.
INTERFACES = ("front", "back")
BRIDGE = "br0"


class Topology:
    def __init__(self, name):
        self.name = name
        self.host = f"{name}-host"
        self.containers = (f"{name}-front", f"{name}-back")

    def ip(self, namespace, *words):
        run(["ip", "-n", namespace, *words])

    def in_host(self, *command, **options):
        return run(["nsenter", f"--net=/run/netns/{self.host}", *command], **options)

    def create(self, bridge=True):
        for namespace in (self.host, *self.containers):
            run(["ip", "netns", "add", namespace])
            self.ip(namespace, "link", "set", "lo", "up")
        if bridge:
            self.ip(self.host, "link", "add", "name", BRIDGE, "type", "bridge", "mcast_snooping", "0",
                    "forward_delay", "0")
            self.ip(self.host, "link", "set", BRIDGE, "up")
        for side in (0, 1):
            self.create_container(side, bridge)
        self.set_bridge_netfilter(False)
        self.check_steering()

    def create_container(self, side, bridge):
        container, interface = self.containers[side], INTERFACES[side]
        self.ip(self.host, "link", "add", "name", interface, "type", "veth", "peer", "name", "eth0", "netns", container)
        # NAPI, which XDP's live frames need to cross; packets of sockets take no notice of it.
        self.in_host("ethtool", "-K", interface, "gro", "on")
        for namespace, name in ((self.host, interface), (container, "eth0")):
            self.ip(namespace, "link", "set", "dev", name, "addrgenmode", "none")
        self.ip(container, "link", "set", "dev", "eth0", "address", MACS[side], "up")
        self.ip(self.host, "link", "set", "dev", interface, *(("master", BRIDGE) if bridge else ()), "up")
        self.ip(container, "addr", "add", ADDRESSES[4][side] + "/24", "dev", "eth0")
        self.ip(container, "addr", "add", ADDRESSES[6][side] + "/64", "dev", "eth0", "nodad")
        for family in (4, 6):
            self.ip(container, "neigh", "add", ADDRESSES[family][1 - side], "lladdr", MACS[1 - side], "dev", "eth0")

    def read_sysfs(self, pattern):
        """`ip netns exec` mounts the host's own sysfs, which entering the namespace alone does not."""
        return run(["ip", "netns", "exec", self.host, "sh", "-c", f"cat {pattern}"])

    def number(self, interface):
        return int(self.read_sysfs(f"/sys/class/net/{interface}/ifindex"))

    def set_bridge_netfilter(self, enabled):
        """Whether bridged packets pass the hooks of IP: by default they do where the kernel has br_netfilter."""
        for table in ("iptables", "ip6tables", "arptables"):
            path = f"/proc/sys/net/bridge/bridge-nf-call-{table}"
            self.in_host("sh", "-c", f"test ! -e {path} || echo {int(enabled)} >{path}")

    def check_steering(self):
        """Packets have to stay on the sender's CPU."""
        for side in (0, 1):
            masks = self.read_sysfs(f"/sys/class/net/{INTERFACES[side]}/queues/rx-*/rps_cpus")
            if masks.strip("0,\n\r "):
                say(f"{INTERFACES[side]} steers packets to other CPUs (RPS): costs there are not counted")

    def remove(self):
        for namespace in (*self.containers, self.host):
            run(["ip", "netns", "del", namespace], check=False)


def has_bridge_netfilter():
    try:
        return bool(read("/proc/sys/net/bridge/bridge-nf-call-iptables"))
    except OSError:
        return False
