#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Ingress by XDP: the same verdicts as by TC.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_shop
serve back 80
serve db 80
echo_server back udp 7002

for name in front back db; do
	check "shop-$name is attached by XDP" epgctl attach "shop-$name" --xdp
done
check_exit "it can't be attached by TC at the same time" "3" "detach" epgctl attach shop-front
check "the policy is applied" epgctl apply -f "$POLICIES/shop.yaml"
for address in 10.1.0.3 fd00:1::3; do
	check "what is permitted passes, with its replies: TCP to $address" gets front "$address" 80
	check "UDP" talks front udp "$address" 7002
	check "ICMP" pings front "$address"
done
check_not "what is not does not" gets front 10.1.0.4 80
check_not "nor over IPv6" gets front fd00:1::4 80
check_not "nor from the provider" pings back 10.1.0.2
check "explain permits what passes" epgctl explain -s shop-front -d 10.1.0.3 tcp/80
check_exit "and denies what does not" 1 "" epgctl explain -s shop-front -d 10.1.0.4 tcp/80

inside db ip addr add 10.1.0.2/24 dev eth0
inside db ip route replace 10.1.0.3/32 dev eth0 src 10.1.0.2
check_not "nor with another's address" pings db 10.1.0.3
check "which is told as spoofed" \
	test "$(json '[.drops[] | select(.reason == "spoofed-address") | .packets] | add // 0' drops)" -ge 1
check "detach takes XDP away" epgctl detach shop-front
check_same "really" "" "$(in_host ip -d link show shop-front | grep -o 'prog/xdp.*' || true)"
finish
