# SPDX-License-Identifier: GPL-2.0-only
"""Peers that are switches or sit at the driver: Open vSwitch in user space, xdp-filter."""
import os
import signal
import subprocess
import time

import memory
from rules import FIRST_PORT
from shell import Failure, read, run, write
from system import Cell
from topology import ADDRESSES, INTERFACES

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class Ovs(Cell):
    """The netdev datapath, which needs no kernel module. It reads and writes the veths by packet sockets: frames can't
    be pushed into it faster than it reads, so that only loads which wait for it are measured."""
    key, title = "ovs", "OVS user space"
    bridge = False
    families = (4,)
    window = 64
    commands = ("flood", "rr", "connect", "stream")
    rules_max = 10000
    conntrack = False

    @classmethod
    def refusal(cls, count):
        if not os.path.exists(SCHEMA):
            return "openvswitch-switch is not installed"
        if count > cls.rules_max:
            return "filling its cache of flows takes minutes, each round anew"
        return None

    def directory(self):
        return self.scratch("ovs")

    def daemon(self, program, *words):
        path = f"{self.directory()}/{program}"
        run(["nsenter", f"--net=/run/netns/{self.topology.host}", "taskset", "-c", self.bench.cpu, "env",
             f"OVS_RUNDIR={self.directory()}", program, *words, f"--pidfile={path}.pid", f"--unixctl={path}.ctl",
             f"--log-file={path}.log", "--detach", "--no-chdir"])

    def vsctl(self, *words):
        run(["ovs-vsctl", f"--db=unix:{self.directory()}/db.sock", "-t", "10", *words])

    def start(self):
        os.mkdir(self.directory())
        run(["ovsdb-tool", "create", f"{self.directory()}/conf.db", SCHEMA])
        self.daemon("ovsdb-server", f"{self.directory()}/conf.db", f"--remote=punix:{self.directory()}/db.sock")
        self.vsctl("--no-wait", "init")
        self.daemon("ovs-vswitchd", f"unix:{self.directory()}/db.sock")
        add_ports = [word for name in INTERFACES for word in ("--", "add-port", "br0", name)]
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail-mode=secure",
                   *add_ports)
        for container in self.topology.containers:
            # It does not finish checksums that a veth leaves open.
            run(["ip", "netns", "exec", container, "ethtool", "-K", "eth0", "tx", "off"])

    def flows(self):
        for pair, protocol, port in self.rules.each():
            front, back = self.rules.addresses(pair)
            there = f"{protocol},in_port=front,nw_src={front},nw_dst={back},tp_dst={port}"
            if self.conntrack:
                yield f"table=1,ct_state=+new,{there},actions=ct(commit),output:back"
            else:
                yield f"{there},actions=output:back"
                yield f"{protocol},in_port=back,nw_src={back},nw_dst={front},tp_src={port},actions=output:front"

    def head(self):
        if not self.conntrack:
            return []
        return ["table=0,ip,actions=ct(table=1)",
                "table=1,priority=50000,ct_state=+est,in_port=front,ip,actions=output:back",
                "table=1,priority=50000,ct_state=+est,in_port=back,ip,actions=output:front"]

    def prepare(self):
        write(self.scratch("flows"), "\n".join([*self.head(), *self.flows()]) + "\n")

    def change(self, command, what):
        run(["env", f"OVS_RUNDIR={self.directory()}", "ovs-ofctl", command, f"{self.directory()}/br0.mgmt", what])

    def load(self):
        self.change("add-flows", self.scratch("flows"))

    def update(self):
        front, back = ADDRESSES[4]
        self.change("add-flow", f"udp,in_port=front,nw_src={front},nw_dst={back},tp_dst={self.rules.worst_port + 1},"
                                "actions=output:back")

    def process(self, program):
        try:
            return int(read(f"{self.directory()}/{program}.pid"))
        except (OSError, ValueError):
            return None

    def processes(self):
        return [self.process("ovs-vswitchd")]

    def set_up(self):
        """Rules live in the daemon's memory, not in the kernel's."""
        super().set_up()
        self.rule_bytes = memory.process_bytes(self.process("ovs-vswitchd"))
        self.fixed_bytes = 0

    def stop(self):
        for program in ("ovs-vswitchd", "ovsdb-server"):
            process = self.process(program)
            if process:
                os.kill(process, signal.SIGTERM)
                wait_for_end(process)


class OvsConntrack(Ovs):
    key, title, conntrack, stateful = "ovs-ct", "OVS user space, ct", True, True


def wait_for_end(process):
    for _ in range(100):
        if not os.path.exists(f"/proc/{process}"):
            return
        time.sleep(0.05)
    os.kill(process, signal.SIGKILL)


class XdpFilter(Cell):
    """Knows ports, whoever uses them: the same ports for all pairs. Its maps are pinned in one place only, so that it
    gets a BPF file system of its own."""
    key, title = "xdp-filter", "xdp-filter, ports"
    rules_max = 10000

    @classmethod
    def refusal(cls, count):
        return "one process a port: loading takes minutes" if count > cls.rules_max else None

    def inside(self, *command):
        return run(["nsenter", "-t", str(self.child.pid), "-m", f"--net=/run/netns/{self.topology.host}", *command])

    def start(self):
        self.child = subprocess.Popen(["unshare", "-m", "sh", "-c", "mount -t bpf bpf /sys/fs/bpf && echo mounted && "
                                       "exec sleep infinity"], stdout=subprocess.PIPE, text=True)
        if not self.child.stdout.readline():
            raise Failure("no BPF file system of its own for xdp-filter")
        for interface in INTERFACES:
            self.inside("xdp-filter", "load", interface, "-m", "native", "-f", "udp,tcp", "-p", "deny")

    def load(self):
        last = FIRST_PORT + self.rules.ports - 1
        self.inside("sh", "-c", f"for port in $(seq {FIRST_PORT} {last}); do "
                                "xdp-filter port $port -p tcp,udp -m src,dst >/dev/null || exit; done")

    def update(self):
        self.inside("xdp-filter", "port", self.rules.worst_port + 1, "-p", "tcp,udp", "-m", "src,dst")

    def stop(self):
        child = getattr(self, "child", None)
        if child:
            child.terminate()
            child.wait()
