#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Open connections after an apply that no longer permits them: kept where their contract says so, until something denies
# them; cut otherwise.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# policy CONTRACT-KEYS CONSUMES BACK-KEYS: the pair's policy with another list of what front consumes.
policy()
{
	pair_policy "$1, subjects: [{name: s, filters: [stream, datagrams]}]" "" "${3:-}" |
		sed "s/consume: \[talk\]/consume: [$2]/" >"$scratch/pair.yaml"
	epgctl -q apply -f "$scratch/pair.yaml"
}

make_shop
echo_server back tcp 7001
echo_server back udp 7002
for protocol in tcp:7001 udp:7002; do
	for address in 10.1.0.3 fd00:1::3; do
		what="${protocol%:*} to $address"
		policy "onChange: keep" talk
		if ! start_talk front "${protocol%:*}" "$address" "${protocol#*:}"; then
			not_pass "$what: no connection"
			continue
		fi
		check_same "$what, keep: open" answered "$(say_line one)"
		pair_policy "onChange: keep, subjects: [{name: s, filters: [stream, datagrams]}]" |
			sed 's/consume: \[talk\]/consume: []/' >"$scratch/next.yaml"
		check_same "$what, keep: diff tells that it is kept" true \
			"$(epgctl -j diff -f "$scratch/next.yaml" |
				jq '.flows.kept >= 1 and any(.changes[]; .object == "flow" and .change == "kept")')"
		policy "onChange: keep" ""
		check_same "$what, keep: goes on though front consumes nothing" answered "$(say_line two)"
		check_same "$what, keep: and on" answered "$(say_line three)"
		check_not "$what, keep: a new one is refused" talks front "${protocol%:*}" "$address" "${protocol#*:}"
		policy "onChange: keep" "" "taboos: [sealed]"
		check_same "$what, keep: a taboo cuts it" silence "$(say_line four)"
		stop "$child"

		policy "onChange: reevaluate" talk
		start_talk front "${protocol%:*}" "$address" "${protocol#*:}" || not_pass "$what: no connection"
		check_same "$what, reevaluate: open" answered "$(say_line one)"
		policy "onChange: reevaluate" ""
		check_same "$what, reevaluate: cut" silence "$(say_line two)"
		policy "onChange: reevaluate" talk
		check "$what, reevaluate: goes on when it is permitted again" answers_again
		stop "$child"
	done
done
check "kept flows are counted" test "$(json '.stats["flows-kept"]' status)" -ge 4
finish
