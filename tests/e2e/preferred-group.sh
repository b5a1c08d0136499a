#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Members of a VRF's preferred group talk freely to each other; all others by contracts only.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

member='preferredGroupMember: true'

# level SOURCE DESTINATION WHAT: verdict and level, as explained.
level()
{
	epgctl -j explain -s "$1" -d "$2" "$3" | jq -r '[.verdict, .level] | join(" ")'
}

make_shop
for name in front back db; do
	echo_server "$name" tcp 7001
	echo_server "$name" udp 7009
done
check "front and back are members" apply_pair "subjects: [{name: s, filters: [stream]}]" "$member" "$member" \
	"preferredGroup: true"
for subnet in 10.1.0. fd00:1::; do
	check "a member opens TCP to the other one at ${subnet}3" talks front tcp "${subnet}3" 7001
	check "and UDP, which no contract permits" talks front udp "${subnet}3" 7009
	check "and the other way round" talks back udp "${subnet}2" 7009
	check "and pings" pings back "${subnet}2"
	check_not "a member does not reach db" talks front udp "${subnet}4" 7009
	check_not "db reaches no member" talks db tcp "${subnet}3" 7001
done
check_same "both are members: level 20" "permit 20" "$(level shop-front shop-back udp/7009)"
check_same "a contract goes before" "permit 7" "$(level shop-front shop-back tcp/7001)"
check_same "the source is no member: level 18" "deny 18" "$(level shop-db shop-back udp/7009)"
check_same "the destination is no member: level 19" "deny 19" "$(level shop-front shop-db udp/7009)"

sed 's/name: db, bridgeDomain: bd1/&, consume: [talk]/' "$scratch/pair.yaml" >"$scratch/contract.yaml"
check "db consumes a contract of a member" epgctl apply -f "$scratch/contract.yaml"
check "that permits what it says" talks db tcp 10.1.0.3 7001
check_not "and no more" talks db udp 10.1.0.3 7009

check "only front is a member" apply_pair "subjects: [{name: s, filters: [stream]}]" "$member" "" "preferredGroup: true"
check_not "then there is nobody to talk freely to" talks front udp 10.1.0.3 7009
check "VRF without a preferred group: members are nothing special" apply_pair \
	"subjects: [{name: s, filters: [stream]}]" "$member" "$member"
check_not "they need a contract" talks front udp 10.1.0.3 7009
finish
