#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two instances side by side, each with its own pin directory, policy and counters: neither knows the other.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

second=$PIN-second
pins+=("$second")

second_epgctl()
{
	in_host timeout 30 "$EPGCTL" --pin "$second" "$@"
}

make_shop
make_container one 11
make_container two 12
serve back 80
serve two 80

sed 's/shop-front/shop-one/; s/shop-back/shop-two/; s/shop-db/shop-none/; s/10\.1\.0\.2/10.1.0.11/;
	s/10\.1\.0\.3/10.1.0.12/
	s/fd00:1::2"/fd00:1::11"/; s/fd00:1::3"/fd00:1::12"/; s/, mac: "[^"]*"//; s/name: shop$/name: other/' \
	"$POLICIES/shop.yaml" >"$scratch/other.yaml"

check "the first instance" epgctl apply -f "$POLICIES/shop.yaml"
check "the second instance" second_epgctl apply -f "$scratch/other.yaml"
check "the first one's front gets its page" gets front 10.1.0.3 80
check "the second one's front gets its page" gets one 10.1.0.12 80
check_not "a stranger's address is nobody's" gets front 10.1.0.12 80
check_same "each lists its own groups only" "other/store/back other/store/db other/store/front" \
	"$(in_host "$EPGCTL" --pin "$second" -j group ls | jq -r '[.groups[].name] | join(" ")')"
check_same "each has its own generations" "1" "$(in_host "$EPGCTL" --pin "$second" -j status | jq -r .generation)"

check "one is unloaded" second_epgctl unload
check "the other one still permits" gets front 10.1.0.3 80
check_not "and still denies" gets back 10.1.0.2 80
serve one 80
check "the second one's interfaces are free" gets two 10.1.0.11 80
finish
