#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bothDirections and reverseFilterPorts in all combinations, and stateless entries, with TCP and UDP.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_shop
for name in front back; do
	echo_server "$name" tcp 7001
	echo_server "$name" udp 7002
done

# directions KEYS: applies a subject with these keys.
directions()
{
	apply_pair "subjects: [{name: s, filters: [${2:-stream, datagrams}]$1}]"
}

# arrives CLIENT SERVER ADDRESS: how many of three datagrams get there, whether or not an answer comes back.
arrives()
{
	start_inside "$2" "$PROBE" receive 7012 700 >"$scratch/received"
	wait_for 5 listens "$2" u 7012
	inside "$1" "$PROBE" send "$3" 7012 3 1000 >/dev/null
	wait "$child"
	cut -d' ' -f2 "$scratch/received"
}

check "default: the consumer's policy" directions ""
for subnet in 10.1.0. fd00:1::; do
	check "default: the consumer opens TCP to ${subnet}3" talks front tcp "${subnet}3" 7001
	check "default: and UDP" talks front udp "${subnet}3" 7002
	check_not "default: the provider opens no TCP" talks back tcp "${subnet}2" 7001
	check_not "default: nor UDP" talks back udp "${subnet}2" 7002
done

check "reverseFilterPorts: false" directions ", reverseFilterPorts: false"
for subnet in 10.1.0. fd00:1::; do
	check "same ports back: the consumer opens TCP to ${subnet}3" talks front tcp "${subnet}3" 7001
	check "same ports back: and UDP" talks front udp "${subnet}3" 7002
	check "same ports back: the provider opens TCP too" talks back tcp "${subnet}2" 7001
	check "same ports back: and UDP" talks back udp "${subnet}2" 7002
done

for keys in ", bothDirections: false" ", bothDirections: false, reverseFilterPorts: false"; do
	what=${keys#, }
	check "$what" directions "$keys"
	for subnet in 10.1.0. fd00:1::; do
		check_not "$what: no TCP connection to ${subnet}3 comes about" talks front tcp "${subnet}3" 7001
		check_not "$what: no UDP answer comes back" talks front udp "${subnet}3" 7002
		check_not "$what: the provider opens nothing" talks back udp "${subnet}2" 7002
	done
done
sed 's/dPort: 7002/dPort: 7012/' "$scratch/pair.yaml" >"$scratch/one-way.yaml"
check "one way, to a port that nobody answers at" epgctl apply -f "$scratch/one-way.yaml"
check_same "one way: the consumer's datagrams arrive" 3 "$(arrives front back 10.1.0.3)"
check_same "one way: by IPv6" 3 "$(arrives front back fd00:1::3)"
check_same "one way: the provider's do not" 0 "$(arrives back front 10.1.0.2)"

check "stateful: false" directions "" stateless
flows=$(json '.stats["flows-created"]' status)
for subnet in 10.1.0. fd00:1::; do
	check "stateless: the consumer opens TCP to ${subnet}3" talks front tcp "${subnet}3" 7001
	check "stateless: and UDP" talks front udp "${subnet}3" 7002
	check_not "stateless: the provider opens no TCP" talks back tcp "${subnet}2" 7001
done
check_same "stateless: no flow is tracked" "$flows" "$(json '.stats["flows-created"]' status)"
finish
