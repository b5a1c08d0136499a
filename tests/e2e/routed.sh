#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Containers on two bridges, with the host as their router: each packet is decided once, correctly, and counted once.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_shop
in_host ip link add br1 type bridge mcast_snooping 0
in_host ip addr add 10.2.0.1/24 dev br1
in_host ip addr add fd00:2::1/64 dev br1 nodad
in_host ip link set br1 up
in_host sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

# back moves to the second bridge.
in_host ip link set shop-back master br1
inside back ip addr flush dev eth0 scope global
inside back ip addr add 10.2.0.3/24 dev eth0
inside back ip addr add fd00:2::3/64 dev eth0 nodad
inside back ip route replace default via 10.2.0.1
inside back ip -6 route replace default via fd00:2::1
sed 's/10\.1\.0\.3/10.2.0.3/; s/fd00:1::3/fd00:2::3/
	s/^    subnets: .*/&\n  - name: bd2\n    vrf: prod\n    subnets: [10.2.0.1\/24, "fd00:2::1\/64"]/
	/name: back/,/name: db/ s/bridgeDomain: bd1/bridgeDomain: bd2/' "$POLICIES/shop.yaml" >"$scratch/routed.yaml"

serve back 80
serve db 80
serve db 5432
echo_server back udp 7002
echo=$child
check "without epg the host routes" gets front 10.2.0.3 80
check "the policy is applied" epgctl apply -f "$scratch/routed.yaml"
for back in 10.2.0.3 fd00:2::3; do
	check "front gets its page from $back over the router" gets front "$back" 80
	check "talks UDP" talks front udp "$back" 7002
	check "and pings" pings front "$back"
done
check "back reaches its database" gets back 10.1.0.4 5432
check "over IPv6" gets back fd00:1::4 5432
check_not "but not its other ports" gets back 10.1.0.4 80
check_not "db does not reach back" gets db 10.2.0.3 80

counted()
{
	json '[.contracts[].rules[] | select(.entry == "datagrams") | .packets] | add' contract ls
}

# The echo server would answer.
stop "$echo"
before=$(counted)
start_inside back "$PROBE" receive 7002 500 >"$scratch/received"
receiver=$child
wait_for 5 listens back u 7002
inside front "$PROBE" send 10.2.0.3 7002 100 >/dev/null
wait "$receiver"
check_same "a routed packet is counted once" 100 $(($(counted) - before))
finish
