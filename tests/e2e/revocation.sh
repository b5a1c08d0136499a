#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A new policy holds for open connections too: the next packet of one that is no longer permitted is dropped.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The shop, with front no longer a consumer of web.
without_front()
{
	sed '/name: front/,/name: back/ s/consume: \[web\]/consume: []/' "$POLICIES/shop.yaml"
}

make_shop
epgctl -q apply -f "$POLICIES/shop.yaml"
without_front >"$scratch/revoked.yaml"
echo_server back tcp 7001
echo_server back udp 7002

for protocol in tcp:7001 udp:7002; do
	for address in 10.1.0.3 fd00:1::3; do
		what="${protocol%:*} to $address"
		if ! start_talk front "${protocol%:*}" "$address" "${protocol#*:}"; then
			not_pass "$what: no connection"
			continue
		fi
		check_same "$what: answered under the first policy" answered "$(say_line one)"
		epgctl -q apply -f "$scratch/revoked.yaml"
		check_same "$what: silence at the next packet" silence "$(say_line two)"
		epgctl -q rollback
		check "$what: answered again after the rollback" answers_again
		stop "$child"
	done
done
check "revoked flows are counted" test "$(json '.stats["flows-revoked"]' status)" -ge 4
finish
