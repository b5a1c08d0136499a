#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Path MTU discovery, traceroute and datagrams in many pieces work between groups that may talk, through contracts that
# ask for ports; and addresses that a container makes up for privacy.
#
#   front - br0 - host - uplink - near ---- 1300 bytes ---- far - outside
#                  |
#   narrow - br1 --+          narrow's link has 1300 bytes, too
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/frames.sh"

# link NAME INTERFACE NUMBER OTHER OTHER-INTERFACE NUMBER PREFIX4 PREFIX6: a veth pair between two namespaces of ours.
link()
{
	inside "$1" ip link add "$2" type veth peer name "$5" netns "$run-$4"
	inside "$1" ip addr add "$7.$3/24" dev "$2"
	inside "$1" ip addr add "$8::$3/64" dev "$2" nodad
	inside "$4" ip addr add "$7.$6/24" dev "$5"
	inside "$4" ip addr add "$8::$6/64" dev "$5" nodad
	inside "$1" ip link set "$2" up
	inside "$4" ip link set "$5" up
}

# route_to NAME PREFIX4 PREFIX6 GATEWAY4 GATEWAY6
route_to()
{
	inside "$1" ip route replace "$2" via "$4"
	inside "$1" ip -6 route replace "$3" via "$5"
}

# make_outside: two routers with a narrow link between them, and a machine behind.
make_outside()
{
	for name in near far outside; do
		add_namespace "$run-$name"
		inside "$name" sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	done
	link host uplink 1 near lan 2 192.0.2 2001:db8:1
	link near wan 1 far wan 2 10.9.0 fd00:9
	link far lan 1 outside eth0 10 198.51.100 2001:db8:2
	inside near ip link set wan mtu 1300
	inside far ip link set wan mtu 1300
	route_to host default default 192.0.2.2 2001:db8:1::2
	route_to near default default 10.9.0.2 fd00:9::2
	route_to near 10.0.0.0/14 fd00::/30 192.0.2.1 2001:db8:1::1
	route_to far default default 10.9.0.1 fd00:9::1
	route_to outside default default 198.51.100.1 2001:db8:2::1
}

# fetches CONTAINER ADDRESS: a page of 2 MB, whole.
fetches()
{
	local address=$2

	[[ $address != *:* ]] || address="[$address]"
	(($(inside "$1" timeout "${patience:-5}" busybox wget -q -O - "http://$address/large" | wc -c) == 2097152))
}

# knows_mtu CONTAINER ADDRESS: that the way there is narrow.
knows_mtu()
{
	inside "$1" ip route get "$2" | grep -q 'mtu 1300'
}

forget_mtu()
{
	for name in front outside; do
		inside "$name" ip -4 route flush cache
		inside "$name" ip -6 route flush cache
	done
}

# sends_large CONTAINER ADDRESS: 60 000 bytes as one datagram, there and back. Each side's first one may go into finding
# the narrow link.
sends_large()
{
	local attempt

	for attempt in 1 2 3; do
		inside "$1" "$PROBE" large "$2" 7002 60000 || continue
		return 0
	done
	return 1
}

# hops CONTAINER ADDRESS: the addresses of all that answer on the way.
hops()
{
	local traceroute=traceroute

	[[ $2 != *:* ]] || traceroute=traceroute6
	inside "$1" timeout 10 busybox "$traceroute" -n -q 1 -w 1 -m 5 "$2" 2>/dev/null | awk '/ms/ { print $2 }' | \
		xargs
}

make_host
make_bridge br1 2
route_between
plug_container front shop-front br0 1 2
plug_container temporary shop-temporary br0 1 4
plug_container narrow shop-narrow br1 2 3
inside narrow ip link set eth0 mtu 1300
in_host ip link set shop-narrow mtu 1300
make_outside

cat >"$scratch/pmtu.yaml" <<'YAML'
version: 1
tenants:
- name: shop
  vrfs: [{name: prod}]
  bridgeDomains:
  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24, "fd00:1::1/64"]}
  - {name: bd2, vrf: prod, subnets: [10.2.0.1/24, "fd00:2::1/64"]}
  filters:
  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}
  - {name: datagrams, entries: [{name: datagrams, etherT: ip, prot: udp, dPort: 7002}]}
  - {name: trace, entries: [{name: trace, etherT: ip, prot: udp, dPort: 33434-33534}]}
  contracts:
  - {name: both, subjects: [{name: s, filters: [http], reverseFilterPorts: false}]}
  - {name: one, subjects: [{name: s, filters: [datagrams, trace]}]}
  appProfiles:
  - name: store
    epgs:
    - {name: front, bridgeDomain: bd1, consume: [both, one],
       endpoints: [{interface: shop-front, ips: [10.1.0.2, "fd00:1::2"]}, {interface: shop-temporary}]}
    - {name: narrow, bridgeDomain: bd2, provide: [both, one],
       endpoints: [{interface: shop-narrow, ips: [10.2.0.3, "fd00:2::3"]}]}
  externalEpgs:
  - {name: internet, vrf: prod, subnets: [0.0.0.0/0, "::/0"], provide: [both, one]}
YAML
for name in front narrow outside; do
	serve $name 80
	head -c 2097152 /dev/zero >"$scratch/www-$name/large"
done
echo_server outside udp 7002
echo_server narrow udp 7002
check "the policy is applied" epgctl apply -f "$scratch/pmtu.yaml"
check "the uplink is bound to the outside" epgctl endpoint add uplink --group shop/internet

# shellcheck disable=SC2034 # found by name and family
front4=10.1.0.2 front6=fd00:1::2
outside4=198.51.100.10 outside6=2001:db8:2::10
# shellcheck disable=SC2034
hops4="10.1.0.1 192.0.2.2 10.9.0.2 $outside4"
# shellcheck disable=SC2034
hops6="fd00:1::1 2001:db8:1::2 fd00:9::2 $outside6"
for family in 4 6; do
	front=front$family outside=outside$family hops=hops$family
	check_same "IPv$family: traceroute from front to the outside sees all routers" "${!hops}" \
		"$(hops front "${!outside}")"
	check_same "back, which may not, it sees none of the host" "" \
		"$(hops outside "${!front}" | grep -o "${!front}" || true)"
	check "the outside gets a large page from front" fetches outside "${!front}"
	check "front was told of the narrow link" knows_mtu front "${!outside}"
	forget_mtu
	check "front gets one from the outside" fetches front "${!outside}"
	check "the outside was told" knows_mtu outside "${!front}"
	forget_mtu
	check "datagrams of 60000 bytes pass in pieces, there and back" sends_large front "${!outside}"
done
for narrow in 10.2.0.3 fd00:2::3; do
	front=$front4
	[[ $narrow != *:* ]] || front=$front6
	check "narrow gets a large page from front" fetches narrow "$front"
	check "front gets one from $narrow" fetches front "$narrow"
	check "datagrams of 60000 bytes pass in pieces" sends_large front "$narrow"
	# The host may split pieces of IPv4 once more; of IPv6 it tells front.
	[[ $narrow != *:* ]] || check "front was told of the narrow link" knows_mtu front "$narrow"
done

watch_frames front
gateway=$(in_host ip -j link show br0 | jq -r '.[0].address')
for family in 4 6; do
	front=front$family outside=outside$family back=${!outside}
	pieces=("src=${!front}" "dst=$back" dmac="$gateway" size=8000)

	frame front "order-$back" "${pieces[@]}" id=101 fragment=1024
	check "a datagram in eight pieces to $back is answered" wait_for 1 arrived front "order-$back"
	frame front "reverse-$back" "${pieces[@]}" id=102 fragment=1024 reverse=1
	check "one whose last piece comes first, too" wait_for 1 arrived front "reverse-$back"
	frame front "denied-$back" "${pieces[@]}" id=103 fragment=1024 dport=9
	frame front "denied-reverse-$back" "${pieces[@]}" id=104 fragment=1024 reverse=1 dport=9
	before=$(dropped overlap)
	frame front "overlap-$back" "${pieces[@]}" size=2040 id=105 offset=0 length=1024
	frame front "overlap-$back" "${pieces[@]}" size=2040 id=105 offset=512 length=1024
	frame front "overlap-$back" "${pieces[@]}" size=2040 id=105 offset=1024 length=1024
	settle
	check_same "one that writes over its beginning is not" 0 "$(arrivals front "overlap-$back")"
	check_same "its piece is dropped as overlap" $((before + 1)) "$(dropped overlap)"
	check_same "nor what is denied, either way" "0 0" \
		"$(arrivals front "denied-$back") $(arrivals front "denied-reverse-$back")"
done

# Addresses that nobody has declared: the kernel makes temporary ones (RFC 8981).
inside temporary sysctl -q -w net.ipv6.conf.eth0.use_tempaddr=2
inside temporary ip addr flush dev eth0 scope global
inside temporary ip addr add fd00:1::4/64 dev eth0 mngtmpaddr nodad
inside temporary ip -6 route replace default via fd00:1::1
has_temporary()
{
	inside temporary ip -6 addr show dev eth0 temporary | grep -q 'fd00:1:'
}
check "a temporary address is made" wait_for 3 has_temporary
check "and is what front's other member connects with" fetches temporary 2001:db8:2::10
address=$(inside temporary ip -6 -j addr show dev eth0 temporary | jq -r '[.[].addr_info[]? | .local] | first')
check_same "it is learned as its endpoint's" shop-temporary \
	"$(json ".endpoints[] | select(any(.addresses[]; .address == \"$address\")) | .interface" endpoint ls)"
finish
