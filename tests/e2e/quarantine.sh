#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An attached interface that belongs to nobody: everything through it is dropped, counted and reported.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_shop
serve back 80
serve front 80

check "an interface is attached before there is a policy" epgctl attach shop-front
check_not "nothing leaves it" gets front 10.1.0.3 80
check_not "nothing gets to it" gets back 10.1.0.2 80
check "others are not touched" gets db 10.1.0.3 80
check "its drops are counted" test "$(json '[.drops[].packets] | add' drops)" -gt 0

sed '/shop-front/d; /name: front/,/name: back/ { /endpoints:/d; }' "$POLICIES/shop.yaml" >"$scratch/without.yaml"
check "a policy that does not know it" epgctl apply -f "$scratch/without.yaml"
check_not "it stays in quarantine" gets front 10.1.0.3 80
check_same "that is the reason told" true "$(json '[.drops[].reason] | any(. == "quarantine")' drops)"
check "status counts it" test "$(json .quarantined status)" -eq 1

check "the policy that names it frees it" epgctl apply -f "$POLICIES/shop.yaml"
forget_neighbors front
check "its first packet passes" gets front 10.1.0.3 80

check "detached, it is nobody's business" epgctl detach shop-front
check_exit "detaching again says so" 4 "shop-front" epgctl detach shop-front

# A container that appears after the policy whose glob matches it: at attach it is an endpoint at once.
sed 's/^      - {interface: shop-front.*/&\n      match:\n      - {interface: "shop-late*"}/' "$POLICIES/shop.yaml" \
	>"$scratch/glob.yaml"
epgctl -q apply -f "$scratch/glob.yaml"
make_container late1 21
check "a late interface that a glob matches is attached" epgctl attach shop-late1
check "and is an endpoint from its first packet on" gets late1 10.1.0.3 80
finish
