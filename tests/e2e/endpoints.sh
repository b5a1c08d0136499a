#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Endpoints by hand: added, moved to another group, removed; each takes effect with the next packet.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_shop
make_container extra 9
serve back 80
epgctl -q apply -f "$POLICIES/shop.yaml"

check "an endpoint is added by hand" \
	epgctl endpoint add shop-extra --group shop/store/front --ip 10.1.0.9 --ip fd00:1::9
# Its link-local address is learned as soon as the kernel has made one.
check_same "it is listed with its group and addresses" "shop/store/front 10.1.0.9,fd00:1::9" \
	"$(json '.endpoints[] | select(.interface == "shop-extra")
		| "\(.group) \([.addresses[].address | select(startswith("fe80:") | not)] | sort | join(","))"' endpoint ls)"
check "it reaches what its group may reach" gets extra 10.1.0.3 80
check "over IPv6 too" gets extra fd00:1::3 80

check "the same interface in another group" epgctl endpoint add shop-extra --group shop/store/db --ip 10.1.0.9
check_not "it no longer reaches the first group's pages" gets extra 10.1.0.3 80

check "an apply leaves it alone" epgctl apply -f "$POLICIES/shop.yaml"
check_same "it is still in the group it was put into" shop/store/db \
	"$(json '.endpoints[] | select(.interface == "shop-extra") | .group' endpoint ls)"

epgctl -q endpoint add shop-extra --group shop/store/front
check "without declared addresses they are learned" gets extra 10.1.0.3 80
check_same "and listed as learned" true \
	"$(json '.endpoints[] | select(.interface == "shop-extra")
		| [.addresses[] | select(.address == "10.1.0.9") | .learned] | any' endpoint ls)"

check_exit "another endpoint's address is refused" 3 "10\.1\.0\.3.*shop-back|shop-back.*10\.1\.0\.3" \
	epgctl endpoint add shop-extra --group shop/store/front --ip 10.1.0.3
check "an endpoint is removed" epgctl endpoint rm shop-extra
check_not "its next packet is dropped" gets extra 10.1.0.3 80
check_same "as one of an interface in quarantine" true "$(json '[.drops[].reason] | any(. == "quarantine")' drops)"
check_exit "removing it again says so" 4 "shop-extra" epgctl endpoint rm shop-extra
check_exit "an unknown group says so" 4 "shop/store/nobody" epgctl endpoint add shop-extra --group shop/store/nobody
check_exit "an unknown interface says so" 4 "shop-nowhere" epgctl endpoint add shop-nowhere --group shop/store/front
finish
