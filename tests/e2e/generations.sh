#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# apply, diff, rollback, export; a policy that is refused, or an apply that is killed, leaves the old one in force.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

generation()
{
	json .generation status
}

make_shop
serve back 80
sed '/name: front/,/name: back/ s/consume: \[web\]/consume: []/' "$POLICIES/shop.yaml" >"$scratch/closed.yaml"
sed 's/name: web$/name: webb/' "$POLICIES/shop.yaml" >"$scratch/broken.yaml"

check_exit "rollback without a policy says so" 6 "polic|load" epgctl rollback
check "a dry run" epgctl apply -f "$POLICIES/shop.yaml" --dry-run
check "changes nothing" gets db 10.1.0.3 80

check "the first policy" epgctl apply -f "$POLICIES/shop.yaml"
check_same "is generation 1" 1 "$(generation)"
check "its export is the source, byte for byte" cmp <(epgctl export) "$POLICIES/shop.yaml"
check "diff against itself is empty" epgctl diff -f "$POLICIES/shop.yaml"
check_exit "diff against another tells by exit status" 1 "" epgctl diff -f "$scratch/closed.yaml"
check "and names the pair that loses its permission" \
	grep -q 'shop/store/front.*shop/store/back' <(epgctl diff -f "$scratch/closed.yaml")

check "the second policy" epgctl apply -f "$scratch/closed.yaml"
check_not "is in force" gets front 10.1.0.3 80
check_exit "a broken one is refused" 3 "broken\.yaml:[0-9]+:[0-9]+" epgctl apply -f "$scratch/broken.yaml"
check "the second one is still whole" cmp <(epgctl export) "$scratch/closed.yaml"
check_not "and in force" gets front 10.1.0.3 80

check "rollback" epgctl rollback
check "the first policy is in force again" gets front 10.1.0.3 80
check "its export too" cmp <(epgctl export) "$POLICIES/shop.yaml"
check "a second rollback returns" epgctl rollback
check_not "to the second one" gets front 10.1.0.3 80

# Killed at any time: the policy is one or the other, whole, and the next apply works.
for pause in 0.005 0.01 0.02 0.03 0.04 0.06 0.08 0.1 0.15; do
	background nsenter --net="/run/netns/$host" "$EPGCTL" --pin "$PIN" -q apply -f "$POLICIES/shop.yaml"
	sleep "$pause"
	kill -KILL "$child" 2>/dev/null || true
	wait "$child" 2>/dev/null || true
	if cmp -s <(epgctl export) "$POLICIES/shop.yaml"; then
		gets front 10.1.0.3 80 || not_pass "killed after $pause s: exported as open, but closed"
	elif cmp -s <(epgctl export) "$scratch/closed.yaml"; then
		! gets front 10.1.0.3 80 || not_pass "killed after $pause s: exported as closed, but open"
	else
		not_pass "killed after $pause s: neither policy is whole"
	fi
	epgctl -q apply -f "$scratch/closed.yaml"
done
check "after nine applies killed half-way the next one works" epgctl apply -f "$POLICIES/shop.yaml"
check "and permits" gets front 10.1.0.3 80
check "no generation stays behind but the running one and the one before" \
	test "$(find "$PIN/generations" -mindepth 1 -maxdepth 1 | wc -l)" -le 2
finish
