#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Open vSwitch's userspace datapath as the switch: it takes frames from the veths by packet sockets, past TC's ingress,
# so XDP decides there; what it sends on arrives with nothing that the kernel knows about its origin, so the endpoints
# are attached as such that take a detour. The contract decides, and what it denies never reaches the other side.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/frames.sh"

export PATH="$PATH:/usr/share/openvswitch/scripts"
for program in ovs-vsctl ovs-vswitchd ovsdb-server ovsdb-tool; do
	command -v $program >/dev/null || skip_all "no $program here (tools/setup installs it)"
done
back=02:00:0a:01:00:03 db=02:00:0a:01:00:04

vsctl()
{
	in_host timeout 10 ovs-vsctl --db "unix:$OVS_RUNDIR/db.sock" "$@"
}

# start_switch: a data base and a switch of our own; both end with the test.
start_switch()
{
	export OVS_RUNDIR=$scratch/ovs OVS_DBDIR=$scratch/ovs OVS_LOGDIR=$scratch/ovs
	mkdir -p "$OVS_RUNDIR"
	ovsdb-tool create "$OVS_DBDIR/conf.db" /usr/share/openvswitch/vswitch.ovsschema
	background nsenter --net="/run/netns/$host" ovsdb-server "$OVS_DBDIR/conf.db" \
		--remote="punix:$OVS_RUNDIR/db.sock" --unixctl="$OVS_RUNDIR/db.ctl" >"$OVS_LOGDIR/db.log" 2>&1
	wait_for 5 test -S "$OVS_RUNDIR/db.sock"
	vsctl --no-wait init
	background nsenter --net="/run/netns/$host" ovs-vswitchd "unix:$OVS_RUNDIR/db.sock" \
		--unixctl="$OVS_RUNDIR/switch.ctl" >"$OVS_LOGDIR/switch.log" 2>&1
	vsctl add-br sw0 -- set bridge sw0 datapath_type=netdev
}

# plug NAME NUMBER: as plug_container, but into the switch, and with the checksums that a veth leaves out: a switch
# that copies frames would send them on without.
plug()
{
	plug_container "$1" "shop-$1" br0 1 "$2"
	in_host ip link set "shop-$1" nomaster
	inside "$1" ethtool -K eth0 tx off >/dev/null
	vsctl add-port sw0 "shop-$1"
}

# talks_freely: without a policy everybody reaches everybody.
talks_freely()
{
	pings front 10.1.0.3 && pings front 10.1.0.4 && pings db fd00:1::2
}

make_host
start_switch
plug front 2
plug back 3
plug db 4
serve back 80
serve db 80
serve db 5432
echo_server back udp 7002
echo=$child
check "without a policy the switch connects all" wait_for 5 talks_freely
for name in front back db; do
	watch_frames "$name"
done

for name in front back db; do
	check "shop-$name is attached" epgctl attach "shop-$name" --xdp --detour
done
check "the policy is applied" epgctl apply -f "$POLICIES/shop.yaml"
for address in 10.1.0.3 fd00:1::3; do
	check "front gets its page from $address" gets front "$address" 80
	check "talks UDP" talks front udp "$address" 7002
	check "and pings" pings front "$address"
done
check "back gets its page from db" gets back 10.1.0.4 5432
patience=0.7 check_not "front does not reach db" gets front 10.1.0.4 80
patience=0.7 check_not "nor over IPv6" gets front fd00:1::4 80
patience=0.7 check_not "nor back front" pings back 10.1.0.2

stop "$echo"
start_inside back "$PROBE" receive 7002 60000 >/dev/null # takes frames by hand without an answer
wait_for 5 listens back u 7002
check_frame "a datagram that the contract permits" back front src=10.1.0.2 dst=10.1.0.3 dmac=$back
check_drop implicit-deny "one that it does not" db front src=10.1.0.2 dst=10.1.0.4 dmac=$db
check_drop spoofed-address "db as front" back db src=10.1.0.2 dst=10.1.0.3 dmac=$back
check_drop spoofed-mac "front with db's MAC address" back front src=10.1.0.2 dst=10.1.0.3 dmac=$back smac=$db
check_drop misdirected "led to db" db front src=10.1.0.2 dst=10.1.0.3 dmac=$db

counted()
{
	json '[.contracts[].rules[] | select(.entry == "datagrams") | .packets] | add' contract ls
}
before=$(counted)
frame front counted src=10.1.0.2 dst=10.1.0.3 dmac=$back count=20
settle
check_same "each is counted once" "20 20" "$(arrivals back counted) $(($(counted) - before))"

# With learning by the switch turned against them: frames that it floods are dropped at the hooks of the others.
in_host timeout 10 ovs-ofctl del-flows "unix:$OVS_RUNDIR/sw0.mgmt" 2>/dev/null || true
in_host timeout 10 ovs-ofctl add-flow "unix:$OVS_RUNDIR/sw0.mgmt" "actions=flood"
check_drop misdirected "front's frame for back, flooded to db as well" db front src=10.1.0.2 dst=10.1.0.3 dmac=$back
finish
