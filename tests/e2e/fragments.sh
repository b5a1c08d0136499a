#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Datagrams that are too large for the link: later fragments show no ports, and pass by rules that ask for none.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# pings_large CLIENT ADDRESS: three fragments each way.
pings_large()
{
	inside "$1" timeout 2 busybox ping -c 1 -W 1 -s 4000 "$2" >/dev/null
}

dropped_fragments()
{
	json '[.drops[] | select(.reason == "fragment") | .packets] | add // 0' drops
}

make_shop
check "without a policy large pings pass" pings_large front 10.1.0.3

check "a contract for everything" apply_pair "subjects: [{name: s, filters: [any], reverseFilterPorts: false}]"
for back in 10.1.0.3 fd00:1::3; do
	check "large pings to $back pass" pings_large front "$back"
done
check_not "but not to db" pings_large front 10.1.0.4

check "a contract for pings" apply_pair "subjects: [{name: s, filters: [ping]}]"
before=$(dropped_fragments)
for back in 10.1.0.3 fd00:1::3; do
	check "small pings to $back pass" pings front "$back"
	check_not "large ones do not" pings_large front "$back"
done
check_same "their later fragments are dropped for that reason" 4 $(($(dropped_fragments) - before))

pair_policy "subjects: [{name: s, filters: [ping]}, {name: pieces, filters: [datagrams], reverseFilterPorts: false}]" |
	sed 's/{name: datagrams, etherT: ip, prot: udp, dPort: 7002}/{name: pieces, etherT: ip, fragments: only}/' \
		>"$scratch/pieces.yaml"
check "and one for later fragments" epgctl apply -f "$scratch/pieces.yaml"
for back in 10.1.0.3 fd00:1::3; do
	check "large pings to $back pass" pings_large front "$back"
done
check "explain says the same" epgctl explain -s shop-front -d 10.1.0.3 icmp --fragment later
finish
