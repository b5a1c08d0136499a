#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# 200 applies and rollbacks while a permitted flow runs: not one of its packets is lost.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

applies=200

make_shop
# A second policy that permits the same flow by another contract, so that the flow is decided anew each time.
sed 's/name: web$/name: site/; s/\[web\]/[site]/' "$POLICIES/shop.yaml" >"$scratch/other.yaml"
epgctl -q apply -f "$POLICIES/shop.yaml"

start_inside back "$PROBE" receive 7002 2000 >"$scratch/received"
receiver=$child
wait_for 5 listens back u 7002
start_inside front "$PROBE" send 10.1.0.3 7002 4000000000 200 >"$scratch/sent"
sender=$child

for ((i = 1; i <= applies; i++)); do
	case $((i % 4)) in
	1) epgctl -q apply -f "$scratch/other.yaml" ;;
	2) epgctl -q rollback ;;
	3) epgctl -q apply -f "$POLICIES/shop.yaml" ;;
	0) epgctl -q apply -f "$scratch/other.yaml" ;;
	esac || break
done
check_same "$applies changes of policy" $((applies + 1)) "$i"
check "the flow ran all the time" kill -0 "$sender"
kill "$sender"
wait "$sender" || true
wait "$receiver" || true

read -r _ sent _ refused <"$scratch/sent"
echo "# $sent datagrams"
check_same "every datagram was sent" 0 "$refused"
check_same "every datagram arrived, once, in order" \
	"received $sent of $sent repeated 0 late 0" "$(<"$scratch/received")"
check_same "nothing between the two groups was dropped" 0 \
	"$(json '[.drops[] | select(.source == "shop/store/front" and .destination == "shop/store/back") | .packets]
		| add // 0' drops)"
check "flows were decided anew each time" test "$(json '.stats["flows-redecided"]' status)" -ge "$applies"
finish
