#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vzAny: contracts of all groups of a VRF at once; and inheritance, by which one group takes another one's contracts.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SUBJECT="subjects: [{name: s, filters: [stream]}]"

# reaches WHO...: pairs "CLIENT-SERVER" that talk TCP, over both families; all others do not.
reaches()
{
	local client server number askers=() expected=" $* "

	declare -A number=([front]=2 [back]=3 [db]=4)
	for client in front back db; do
		for server in front back db; do
			[[ $client != "$server" ]] || continue
			asks "$client-$server-4" "$client" "10.1.0.${number[$server]}" &
			askers+=("$!")
			asks "$client-$server-6" "$client" "fd00:1::${number[$server]}" &
			askers+=("$!")
		done
	done
	wait "${askers[@]}"
	for client in front back db; do
		for server in front back db; do
			[[ $client != "$server" ]] || continue
			answer="$(<"$scratch/$client-$server-4") $(<"$scratch/$client-$server-6")"
			if [[ $expected == *" $client-$server "* ]]; then
				check_same "$what: $client reaches $server" "yes yes" "$answer"
			else
				check_same "$what: $client does not reach $server" "no no" "$answer"
			fi
		done
	done
}

# asks FILE CLIENT ADDRESS: leaves the answer in the file.
asks()
{
	if talks "$2" tcp "$3" 7001; then
		echo yes >"$scratch/$1"
	else
		echo no >"$scratch/$1"
	fi
}

make_shop
for name in front back db; do
	echo_server "$name" tcp 7001
done

what="all provide, front consumes"
pair_policy "$SUBJECT" "" "" "vzAny: {provide: [talk]}" | sed 's/provide: \[talk\],$/provide: [],/' >"$scratch/any.yaml"
check "$what" epgctl apply -f "$scratch/any.yaml"
reaches front-back front-db
check_same "$what: level" 13 "$(json .level explain -s shop-front -d shop-db tcp/7001)"

what="all consume, back provides"
pair_policy "$SUBJECT" "" "" "vzAny: {consume: [talk]}" | sed 's/consume: \[talk\],$/consume: [],/' >"$scratch/any.yaml"
check "$what" epgctl apply -f "$scratch/any.yaml"
reaches front-back db-back
check_same "$what: level" 14 "$(json .level explain -s shop-db -d shop-back tcp/7001)"

what="all provide and consume"
pair_policy "$SUBJECT" "" "" "vzAny: {provide: [talk], consume: [talk]}" |
	sed 's/\(consume\|provide\): \[talk\],$/\1: [],/' >"$scratch/any.yaml"
check "$what" epgctl apply -f "$scratch/any.yaml"
reaches front-back front-db back-front back-db db-front db-back
check_same "$what: level" 17 "$(json .level explain -s shop-db -d shop-front tcp/7001)"
pair_policy "subjects: [{name: s, filters: [stream]}, {name: no, filters: [{name: stream, action: deny}]}]" "" "" \
	"vzAny: {provide: [talk], consume: [talk]}" | sed 's/\(consume\|provide\): \[talk\],$/\1: [],/' >"$scratch/any.yaml"
check "and a deny of the same level beside it" epgctl apply -f "$scratch/any.yaml"
what="denied"
reaches

what="db inherits from front"
pair_policy "$SUBJECT" | sed 's/name: db, bridgeDomain: bd1/&, inherit: [front]/' >"$scratch/inherit.yaml"
check "$what" epgctl apply -f "$scratch/inherit.yaml"
reaches front-back db-back
finish
