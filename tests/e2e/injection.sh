#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Ways past one's own hook. A container with CAP_NET_ADMIN can stack a macvlan on the host's bridge, through the
# namespace id of its own veth's peer, and send frames that its veth never sees: the victim's egress hook drops
# them, forged mark or not. And a frame that is addressed to one endpoint but led to another is nobody's.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# frames_at CONTAINER FILTER COMMAND...: how many frames of the command arrive there.
frames_at()
{
	local name=$1 filter=$2 capture

	shift 2
	rm -f "$scratch/tcpdump"
	start_inside "$name" timeout 20 tcpdump --immediate-mode -n -l -p -i eth0 "$filter" \
		>"$scratch/frames" 2>"$scratch/tcpdump"
	capture=$child
	wait_for 5 grep -q listening "$scratch/tcpdump"
	"$@" >/dev/null 2>&1 || true
	sleep 0.5
	stop "$capture"
	grep -c '^[0-9]' "$scratch/frames" || true
}

dropped_for()
{
	json "[.drops[] | select(.reason == \"$1\") | .packets] | add // 0" drops
}

make_shop
epgctl -q apply -f "$POLICIES/shop.yaml"
check_same "front's datagrams arrive at back" 5 \
	"$(frames_at back "udp port 7002" inside front "$PROBE" send 10.1.0.3 7002 5)"

# db on the host's bridge, past its own veth, as front.
bridge=$(in_host cat /sys/class/net/br0/ifindex 2>/dev/null || in_host ip -j link show br0 | jq '.[0].ifindex')
if inside db ip link add mv0 link "if$bridge" link-netnsid 0 type macvlan mode bridge 2>"$scratch/macvlan"; then
	inside db ip addr flush dev eth0 scope global
	inside db ip link set mv0 address 02:00:0a:01:00:02 up
	inside db ip addr add 10.1.0.2/24 dev mv0
	inside db ip addr add fd00:1::2/64 dev mv0 nodad
	inside db ip neigh replace 10.1.0.3 lladdr 02:00:0a:01:00:03 dev mv0 nud permanent
	inside db ip neigh replace fd00:1::3 lladdr 02:00:0a:01:00:03 dev mv0 nud permanent

	for address in 10.1.0.3 fd00:1::3; do
		check_same "as front from the bridge to $address: nothing arrives" 0 \
			"$(frames_at back "udp port 7002" inside db "$PROBE" send "$address" 7002 5)"
		check_same "nor with our mark forged" 0 \
			"$(frames_at back "udp port 7002" inside db env MARK=0x10000000 "$PROBE" send "$address" 7002 5)"
		check_same "nor with every bit of the mark set" 0 \
			"$(frames_at back "udp port 7002" inside db env MARK=0xffffffff "$PROBE" send "$address" 7002 5)"
	done
	check "all thirty are counted" test "$(json '[.drops[].packets] | add' drops)" -ge 30

	inside db ip addr flush dev mv0
	inside db ip link set mv0 address 02:00:0a:01:00:77
	inside db ip addr add 10.1.0.77/24 dev mv0
	inside db ip neigh replace 10.1.0.3 lladdr 02:00:0a:01:00:03 dev mv0 nud permanent
	check_same "as nobody: nothing arrives" 0 "$(frames_at back "udp port 7002" inside db "$PROBE" send 10.1.0.3 7002 5)"
	inside db ip link delete mv0
else
	not_pass "the macvlan could not be made" "$(<"$scratch/macvlan")"
fi

# front sends what it may send to back, but with db's MAC address on it.
inside front ip neigh replace 10.1.0.3 lladdr 02:00:0a:01:00:04 dev eth0 nud permanent
inside front ip neigh replace fd00:1::3 lladdr 02:00:0a:01:00:04 dev eth0 nud permanent
for address in 10.1.0.3 fd00:1::3; do
	before=$(dropped_for misdirected)
	check_same "a frame for $address led to db does not arrive there" 0 \
		"$(frames_at db "udp port 7002" inside front "$PROBE" send "$address" 7002 5)"
	check_same "and is dropped for that reason" $((before + 5)) "$(dropped_for misdirected)"
done
finish
