#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The third door: somebody without our library makes an interface an endpoint by one entry in a pinned map, as
# docs/library.md and include/epg/abi.h say; here with bpftool alone.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# bytes_of TEXT LENGTH: decimal bytes, padded with zeros.
bytes_of()
{
	local i

	for ((i = 0; i < $2; i++)); do
		if ((i < ${#1})); then
			printf '%d ' "'${1:i:1}"
		else
			printf '0 '
		fi
	done
}

# little_endian NUMBER BYTES
little_endian()
{
	local i

	for ((i = 0; i < $2; i++)); do
		printf '%d ' $(($1 >> (8 * i) & 255))
	done
}

zeros()
{
	bytes_of "" "$1"
}

# class_of GROUP
class_of()
{
	# shellcheck disable=SC2046
	bpftool -j map lookup pinned "$PIN/groups" key $(bytes_of "$1" 192) | jq -r .formatted.value.class_id
}

# bind INTERFACE CLASS
bind()
{
	local ifindex

	ifindex=$(in_host ip -j link show "$1" | jq '.[0].ifindex')
	# struct epg_endpoint_key, then struct epg_endpoint with nothing but now.class_id.
	# shellcheck disable=SC2046
	bpftool map update pinned "$PIN/endpoints" key $(little_endian "$ifindex" 4) $(zeros 4) \
		value $(little_endian "$2" 2) $(zeros 54)
}

# inner_of MAP: the id of the map that is the only element of this one.
inner_of()
{
	local bytes

	mapfile -t bytes < <(bpftool -j map lookup pinned "$PIN/$1" key 0 0 0 0 | jq -r '.value[]')
	echo $((bytes[0] | bytes[1] << 8 | bytes[2] << 16 | bytes[3] << 24))
}

make_shop
make_container new 30
serve back 80
epgctl -q apply -f "$POLICIES/shop.yaml"
epgctl -q attach shop-new
check_not "an attached interface is in quarantine" gets new 10.1.0.3 80

class=$(class_of shop/store/front)
check "a group's class is found by its name" test "$class" -ge 16
check "one entry is written" bind shop-new "$class"
forget_neighbors new
check "the interface is an endpoint of that group" gets new 10.1.0.3 80
check "over IPv6 too" gets new fd00:1::3 80
check_same "epgctl sees it" shop/store/front \
	"$(json '.endpoints[] | select(.interface == "shop-new") | .group' endpoint ls)"
check "an apply leaves it alone" epgctl apply -f "$POLICIES/shop.yaml"
check "it still reaches what its group may reach" gets new 10.1.0.3 80

for map in endpoints:class_id addresses:next_generation groups:vrf control:abi_version drops:reason; do
	check "bpftool shows the fields of ${map%:*} by name" \
		grep -q "\"${map#*:}\"" <(bpftool -j map dump pinned "$PIN/${map%:*}")
done
# The table of flows is the only element of its map.
for map in flows:opener flow_addresses:high; do
	check "bpftool shows the fields of ${map%:*} by name" grep -q "\"${map#*:}\"" \
		<(bpftool -j map lookup id "$(inner_of "${map%:*}")" key 0 0 0 0)
done
finish
