#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# arp: require-contract: endpoints find each other's MAC address only where a contract permits it; the gateway's always.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# finds CLIENT ADDRESS: the neighbour's MAC address becomes known.
finds()
{
	inside "$1" ip neigh flush dev eth0
	pings "$1" "$2" || true
	inside "$1" ip neigh show to "$2" dev eth0 | grep -q lladdr
}

make_shop
domain="arp: require-contract"
check "a contract with ARP and neighbour discovery" apply_pair \
	"subjects: [{name: s, filters: [ping, arp, discovery]}]" "" "" "" "$domain"
for subnet in 10.1.0. fd00:1::; do
	check "front finds ${subnet}3" finds front "${subnet}3"
	check "and pings it" pings front "${subnet}3"
	check_not "front does not find ${subnet}4, with which it has no contract" finds front "${subnet}4"
	check_not "db does not find ${subnet}3" finds db "${subnet}3"
	check "db finds the gateway at ${subnet}1" finds db "${subnet}1"
done
check "explain permits the request" epgctl explain -s shop-front -d 10.1.0.3 arp
check "and the reply" epgctl explain -s shop-back -d 10.1.0.2 arp --arp-opcode reply
check_exit "but not to db" 1 "" epgctl explain -s shop-front -d 10.1.0.4 arp

check "a contract without them" apply_pair "subjects: [{name: s, filters: [ping]}]" "" "" "" "$domain"
check_not "front does not find back" finds front 10.1.0.3
check_not "nor by IPv6" finds front fd00:1::3

check "the default needs no contract for them" apply_pair "subjects: [{name: s, filters: [ping]}]"
check "front finds back" finds front 10.1.0.3
check "front finds db, too" finds front 10.1.0.4
check_not "but does not reach it" pings front 10.1.0.4
finish
