#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Datagrams that are too large for the link: later fragments show no ports; they follow the first one, unless an entry
# with `fragments: only` says otherwise.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# pings_large CLIENT ADDRESS: three fragments each way.
pings_large()
{
	inside "$1" timeout 2 busybox ping -c 1 -W 1 -s 4000 "$2" >/dev/null
}

# dropped REASON
dropped()
{
	json "[.drops[] | select(.reason == \"$1\") | .packets] | add // 0" drops
}

make_shop
check "without a policy large pings pass" pings_large front 10.1.0.3

check "a contract for everything" apply_pair "subjects: [{name: s, filters: [any], reverseFilterPorts: false}]"
for back in 10.1.0.3 fd00:1::3; do
	check "large pings to $back pass" pings_large front "$back"
done
check_not "but not to db" pings_large front 10.1.0.4

before=$(dropped fragment)
check "a contract for pings" apply_pair "subjects: [{name: s, filters: [ping]}]"
for back in 10.1.0.3 fd00:1::3; do
	check "small pings to $back pass" pings front "$back"
	check "large ones too" pings_large front "$back"
done
check_same "no fragment is dropped" 0 $(($(dropped fragment) - before))
check_not "back may not ping front" pings_large back 10.1.0.2
check_same "two later fragments are dropped for that reason" 2 $(($(dropped fragment) - before))

# write_pieces ACTION: pings, and what becomes of later fragments.
write_pieces()
{
	pair_policy "subjects: [{name: s, filters: [ping]}, {name: pieces, filters: [{name: datagrams, action: $1}]}]" |
		sed 's/{name: datagrams, etherT: ip, prot: udp, dPort: 7002}/{name: pieces, etherT: ip, fragments: only}/' \
			>"$scratch/pieces.yaml"
}

write_pieces deny
check "a policy that denies later fragments" epgctl apply -f "$scratch/pieces.yaml"
before=$(dropped denied)
for back in 10.1.0.3 fd00:1::3; do
	check "small pings to $back pass" pings front "$back"
	check_not "large ones do not" pings_large front "$back"
done
check_same "their later fragments are denied" 4 $(($(dropped denied) - before))
write_pieces permit
check "and one that permits them" epgctl apply -f "$scratch/pieces.yaml"
for back in 10.1.0.3 fd00:1::3; do
	check "large pings to $back pass" pings_large front "$back"
done
check "explain says the same" epgctl explain -s shop-front -d 10.1.0.3 icmp --fragment later
finish
