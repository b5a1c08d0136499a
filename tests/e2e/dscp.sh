#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A subject marks what it permits with its DSCP, replies too; and an entry may ask for one.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mark()
{
	inside "$1" timeout 3 "$PROBE" mark "$2" "$3"
}

make_shop
start_inside back "$PROBE" marks 7002
start_inside back "$PROBE" marks 7003
echo_server back tcp 7001
wait_for 5 listens back u 7002
wait_for 5 listens back u 7003
check_same "without a policy nothing is marked" "there 0, back 0" "$(mark front 10.1.0.3 7002)"

check "a subject with a mark, and one without" apply_pair \
	"subjects: [{name: marked, dscp: AF21, filters: [datagrams, stream]}, {name: plain, filters: [more]}]"
for back in 10.1.0.3 fd00:1::3; do
	check_same "$back sees the mark, and so does its answer's receiver" "there 18, back 18" \
		"$(mark front "$back" 7002)"
	check_same "once more, by the tracked flow" "there 18, back 18" "$(mark front "$back" 7002)"
	check_same "the other subject marks nothing" "there 0, back 0" "$(mark front "$back" 7003)"
	check "TCP to $back works with the mark" talks front tcp "$back" 7001
done
check_same "contract ls tells the mark" AF21 \
	"$(json '[.contracts[].rules[] | select(.entry == "datagrams") | .dscp] | unique | join(" ")' contract ls)"

# An entry that asks for a mark: the same port, marked by the sender or not.
pair_policy "subjects: [{name: s, filters: [datagrams]}]" |
	sed '/name: datagrams/ s/dPort: 7002/&, matchDscp: EF/' >"$scratch/asks.yaml"
check "an entry that asks for EF" epgctl apply -f "$scratch/asks.yaml"
check_exit "what is not marked does not pass" 1 "" epgctl explain -s shop-front -d 10.1.0.3 udp/7002
check "what is marked does" epgctl explain -s shop-front -d 10.1.0.3 udp/7002 --dscp EF
check_same "really not" silence "$(mark front 10.1.0.3 7002)"

apply_pair "subjects: [{name: s, dscp: AF21, filters: [datagrams]}]"
epgctl -q detach shop-front
check "where XDP decides" epgctl attach --xdp shop-front
for back in 10.1.0.3 fd00:1::3; do
	check_same "$back sees the mark" "there 18, back 18" "$(mark front "$back" 7002)"
done
finish
