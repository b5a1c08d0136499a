#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A policed group sends what its rate says, within five percent, whatever the family and however many endpoints it has.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RATE=100000 # kbit/s
PAYLOAD=1400

# rate_of ADDRESS OVERHEAD SENDER...: floods from each of the senders to back, and tells what arrives, in kbit/s of
# frames, headers included.
rate_of()
{
	local address=$1 overhead=$2 sender datagrams bytes microseconds started

	shift 2
	start_inside back "$PROBE" measure 7002 500 2000 >"$scratch/measured"
	started=("$child")
	wait_for 5 listens back u 7002
	for sender in "$@"; do
		start_inside "$sender" "$PROBE" flood "$address" 7002 "$PAYLOAD" 3000 >/dev/null
		started+=("$child")
	done
	wait "${started[@]}"
	read -r datagrams bytes microseconds <"$scratch/measured"
	echo $(((bytes + datagrams * overhead) * 8000 / microseconds))
}

# is_policed ARGUMENT...: as of rate_of. More than the rate never gets through; less may, where a busy machine gives the
# senders no time, so that it is the best of three that counts.
is_policed()
{
	local attempt rate

	for attempt in 1 2 3; do
		rate=$(rate_of "$@")
		echo "attempt $attempt: $rate kbit/s"
		((rate <= RATE * 105 / 100)) || return 1
		((rate < RATE * 95 / 100)) || return 0
	done
	return 1
}

# is_free ARGUMENT...: much more gets through, in one of three attempts.
is_free()
{
	local attempt rate

	for attempt in 1 2 3; do
		rate=$(rate_of "$@")
		echo "attempt $attempt: $rate kbit/s"
		((rate < RATE * 13 / 10)) || return 0
	done
	return 1
}

make_shop
make_container extra 5
apply_pair "subjects: [{name: s, filters: [datagrams]}]" \
	"police: {rate: ${RATE}kbit, burst: 128kb}, match: [{interface: shop-extra}]"
epgctl -q attach shop-extra
pings extra 10.1.0.3 || true # its address is learned

# Ethernet, IP and UDP headers
check "IPv4 is policed" is_policed 10.1.0.3 42 front
check "IPv6, too" is_policed fd00:1::3 62 front
check "the other endpoint of the group, too" is_policed 10.1.0.3 42 extra
check "both together share the rate" is_policed 10.1.0.3 42 front extra
check "what is beyond is dropped for that reason" \
	test "$(json '[.drops[] | select(.reason == "policed") | .packets] | add' drops)" -gt 0
check_same "of the group that sends" shop/store/front \
	"$(json '[.drops[] | select(.reason == "policed") | .source] | unique | join(" ")' drops)"
check_same "group ls tells rate and burst" "$((RATE * 125)) 131072" \
	"$(json '.groups[] | select(.name == "shop/store/front") | "\(.policeBytesPerSecond) \(.policeBurstBytes)"' group ls)"

epgctl -q detach shop-front
check "where XDP decides" epgctl attach --xdp shop-front
check "IPv4 is policed" is_policed 10.1.0.3 42 front
check "IPv6, too" is_policed fd00:1::3 62 front

sed 's/police: {[^}]*}, //' "$scratch/pair.yaml" >"$scratch/free.yaml"
check "without police" epgctl apply -f "$scratch/free.yaml"
check "more gets through" is_free 10.1.0.3 42 front
finish
