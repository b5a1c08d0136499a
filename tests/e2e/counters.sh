#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Counters are exact: of each rule, of each endpoint and of drops; packets and bytes.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# rule_counter CONTRACT SUBJECT ENTRY: "packets bytes"
rule_counter()
{
	json ".contracts[] | select(.name == \"$1\") | .rules[] | select(.subject == \"$2\" and .entry == \"$3\")
		| \"\(.packets) \(.bytes)\"" contract ls
}

drop_counter()
{
	json "[.drops[] | select(.source == \"$1\" and .destination == \"$2\" and .reason == \"$3\") | .packets]
		| add // 0" drops
}

make_shop
epgctl -q apply -f "$POLICIES/shop.yaml"

start_inside back "$PROBE" receive 7002 1500 >"$scratch/received"
receiver=$child
wait_for 5 listens back u 7002
inside front "$PROBE" send 10.1.0.3 7002 5000 >/dev/null
wait "$receiver"
check_same "5000 datagrams arrive" "received 5000 of 5000 repeated 0 late 0" "$(<"$scratch/received")"
# Ethernet 14, IPv4 20, UDP 8, payload 4.
check_same "their rule counts 5000 packets of 46 bytes" "5000 230000" "$(rule_counter shop/web talk datagrams)"

start_inside back "$PROBE" receive 7002 1500 >"$scratch/received"
receiver=$child
wait_for 5 listens back u 7002
inside front "$PROBE" send fd00:1::3 7002 1000 >/dev/null
wait "$receiver"
check_same "and 1000 more of 66 bytes over IPv6" "6000 296000" "$(rule_counter shop/web talk datagrams)"

inside front "$PROBE" send 10.1.0.4 7002 300 >/dev/null
check_same "300 denied datagrams are 300 drops of that pair" 300 \
	"$(drop_counter shop/store/front shop/store/db implicit-deny)"

# A TCP connection: every frame of both directions is counted by the rule that permitted it.
echo_server back tcp 7001
start_inside back tcpdump -Z root --immediate-mode -n -U -i eth0 -w "$scratch/frames" tcp port 7001 2>"$scratch/tcpdump"
capture=$child
wait_for 5 grep -q listening "$scratch/tcpdump"
for _ in 1 2 3; do
	talks front tcp 10.1.0.3 7001
done
sleep 0.5
stop "$capture"
frames=$(tcpdump -n -r "$scratch/frames" 2>/dev/null | wc -l)
check_same "a rule counts the frames of a connection that tcpdump sees, both directions" "$frames" \
	"$(rule_counter shop/web talk stream | cut -d' ' -f1)"

before=$(rule_counter shop/web talk datagrams)
epgctl -q apply -f "$POLICIES/shop.yaml"
check_same "an apply keeps the counters of rules that stay" "$before" "$(rule_counter shop/web talk datagrams)"
finish
