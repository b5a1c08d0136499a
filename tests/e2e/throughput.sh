#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Bulk transfers through an allowed pair, with segmentation offloads on and off: nothing is dropped, and packets that
# the kernel has aggregated are counted with all their bytes.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

command -v iperf3 ethtool >/dev/null || skip_all "no iperf3 or ethtool here (tools/setup installs them)"

# transfer WHAT MEGABYTES IPERF-OPTION...: front sends to back, bounded to 1 s and so many megabytes.
transfer()
{
	local what=$1 megabytes=$2 bytes

	shift 2
	start_inside back iperf3 -s -1 -p 7001 >/dev/null
	wait_for 5 listens back t 7001
	inside front timeout 10 iperf3 -J -p 7001 "$@" >"$scratch/transfer" || true
	bytes=$(jq '.end.sum_received.bytes // .end.sum.bytes // 0 | floor' "$scratch/transfer")
	check "$what: $((bytes >> 20)) MB in 1 s" test "$((bytes >> 20))" -ge "$megabytes"
}

# counted: bytes that rules have permitted.
counted()
{
	json '[.contracts[].rules[].bytes] | add' contract ls
}

drops()
{
	json '[.drops[].packets] | add // 0' drops
}

make_shop
pair_policy "subjects: [{name: s, filters: [stream, more]}]" |
	sed 's/prot: udp, dPort: 7003/prot: udp, dPort: 7001/' >"$scratch/pair.yaml"
check "the policy is applied" epgctl apply -f "$scratch/pair.yaml"
pings back 10.1.0.3 || true

for back in 10.1.0.3 fd00:1::3; do
	dropped=$(drops) before=$(counted)
	transfer "TCP to $back" 25 -c "$back" -t 1
	check_same "nothing is dropped" "$dropped" "$(drops)"
	sent=$(jq '.end.sum_received.bytes | floor' "$scratch/transfer")
	check "all bytes are counted" test "$(($(counted) - before))" -ge "$sent"
done
transfer "TCP the other way" 25 -c 10.1.0.3 -t 1 -R
for side in front back; do
	inside "$side" ethtool -K eth0 tso off gso off gro off >/dev/null
	in_host ethtool -K "shop-$side" tso off gso off gro off >/dev/null
done
transfer "TCP without offloads" 10 -c 10.1.0.3 -t 1
check_same "nothing is dropped" "$dropped" "$(drops)"

transfer "UDP, 200 Mbit/s" 20 -c 10.1.0.3 -t 1 -u -b 200M -l 1400
lost=$(jq '.end.sum.lost_percent | floor' "$scratch/transfer")
check_same "UDP arrives, but for what sockets lose on a busy machine" 0 "$((lost / 5))"
check_same "nothing is dropped" "$dropped" "$(drops)"
finish
