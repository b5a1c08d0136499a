#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A container that takes another one's address, IPv4, IPv6 or MAC, gets nothing through, and the bridge does not
# even learn from it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

dropped_for()
{
	json "[.drops[] | select(.reason == \"$1\") | .packets] | add // 0" drops
}

# arrives_at CONTAINER COMMAND...: whether datagrams sent by the command arrive at port 7002 there.
arrives_at()
{
	local name=$1 receiver

	shift
	start_inside "$name" "$PROBE" receive 7002 1000 >"$scratch/received"
	receiver=$child
	wait_for 5 listens "$name" u 7002
	"$@" >/dev/null
	wait "$receiver"
	[[ $(<"$scratch/received") != "received 0 "* ]]
}

make_shop
epgctl -q apply -f "$POLICIES/shop.yaml"
check "front's datagrams arrive at back" arrives_at back inside front "$PROBE" send 10.1.0.3 7002 5

# db, which may reach nobody, as front.
inside db ip addr flush dev eth0 scope global
inside db ip addr add 10.1.0.2/24 dev eth0
inside db ip addr add fd00:1::2/64 dev eth0 nodad
check_not "db with front's IPv4 address gets nothing through" \
	arrives_at back inside db "$PROBE" send 10.1.0.3 7002 5 100000
check "the reason is told" test "$(dropped_for spoofed-address)" -ge 1
inside db ip neigh replace 10.1.0.3 lladdr 02:00:0a:01:00:03 dev eth0 nud permanent
inside db ip neigh replace fd00:1::3 lladdr 02:00:0a:01:00:03 dev eth0 nud permanent
before=$(dropped_for spoofed-address)
check_not "nor when it does not have to ask for back's MAC" arrives_at back inside db "$PROBE" send 10.1.0.3 7002 5
check "five more are counted" test "$(dropped_for spoofed-address)" -ge $((before + 5))
before=$(dropped_for spoofed-address)
check_not "nor with front's IPv6 address" arrives_at back inside db "$PROBE" send fd00:1::3 7002 5
check "five more are counted" test "$(dropped_for spoofed-address)" -ge $((before + 5))

inside db ip link set eth0 address 02:00:0a:01:00:02
check_not "nor with front's MAC address as well" arrives_at back inside db "$PROBE" send 10.1.0.3 7002 5
check "the reason is told" test "$(dropped_for spoofed-mac)" -ge 1
check "the bridge still finds front where front is" arrives_at back inside front "$PROBE" send 10.1.0.3 7002 5
check "its forwarding entry was not moved" \
	grep -q 'shop-front' <(in_host bridge fdb show br br0 | grep '^02:00:0a:01:00:02')

# An address of nobody, outside the bridge domain's subnets.
inside front ip addr add 192.0.2.7/32 dev eth0
inside front ip route replace 10.1.0.3/32 dev eth0 src 192.0.2.7
check_not "an address that the endpoint does not have gets nothing through" \
	arrives_at back inside front "$PROBE" send 10.1.0.3 7002 5
finish
