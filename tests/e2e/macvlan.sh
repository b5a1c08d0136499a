#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Containers with macvlan devices, hooks inside their network namespaces: the same policy gives the same verdicts as on
# veths; and what a container sends past its own hook is dropped as `unvouched`.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/frames.sh"

declare -A number=([front]=2 [back]=3 [db]=4)
lan4=10.1.0.70 lan6=fd00:1::70

mac_number()
{
	printf '02:00:0a:01:00:%02x' "$1"
}
front=$(mac_number 2) back=$(mac_number 3) db=$(mac_number 4)

cat >"$scratch/macvlan.yaml" <<'YAML'
version: 1
tenants:
- name: mv
  vrfs: [{name: prod}]
  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24, "fd00:1::1/64"]}]
  filters:
  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}
  - {name: datagrams, entries: [{name: datagrams, etherT: ip, prot: udp, dPort: 7002-7004}]}
  - name: ping
    entries:
    - {name: echo4, etherT: ipv4, prot: icmp, icmpType: echo-request}
    - {name: echo6, etherT: ipv6, prot: icmpv6, icmpType: echo-request}
  contracts:
  - {name: web, subjects: [{name: s, filters: [http, datagrams, ping]}]}
  - {name: groups, subjects: [{name: s, filters: [datagrams]}]}
  - {name: updates, subjects: [{name: s, filters: [http]}]}
  appProfiles:
  - name: store
    epgs:
    - {name: front, bridgeDomain: bd1, consume: [web, groups, updates]}
    - {name: back, bridgeDomain: bd1, provide: [web]}
    - {name: db, bridgeDomain: bd1}
  externalEpgs:
  - {name: lan, vrf: prod, subnets: [10.1.0.64/26, "fd00:1::70/128"], consume: [web], provide: [updates]}
  - {name: multicast, vrf: prod, subnets: [239.0.0.0/8], provide: [groups]}
YAML

# ---- four kinds of the same network: three containers, and a machine outside ----

# add_addresses NAME NUMBER [INTERFACE]
add_addresses()
{
	local interface=${3:-eth0}

	inside "$1" ip addr add "10.1.0.$2/24" dev "$interface"
	inside "$1" ip addr add "fd00:1::$2/64" dev "$interface" nodad
	inside "$1" ip link set "$interface" up
}

# make_outside KIND: KIND-outside, behind the host's interface KIND-parent. With vepa it is a switch that sends frames
# back where they came from.
make_outside()
{
	add_namespace "$run-$1-outside"
	if [[ $1 == vepa ]]; then
		in_host ip link add "$1-parent" type veth peer name port netns "$run-$1-outside"
		inside "$1-outside" ip link add eth0 type bridge mcast_snooping 0
		inside "$1-outside" ip link set port master eth0 up
		inside "$1-outside" bridge link set dev port hairpin on
	else
		in_host ip link add "$1-parent" type veth peer name eth0 netns "$run-$1-outside"
	fi
	in_host ip link set "$1-parent" up
	add_addresses "$1-outside" 70
}

make_veths()
{
	local name

	make_outside veth
	in_host ip link set veth-parent master br0
	for name in front back db; do
		plug_container "veth-$name" "veth-$name" br0 1 "${number[$name]}"
	done
}

# make_macvlans KIND: the kind is the mode. All interfaces inside have the same index, which is the parent's, too.
make_macvlans()
{
	local kind=$1 name index

	make_outside "$kind"
	index=$(in_host ip -j link show "$kind-parent" | jq '.[0].ifindex')
	for name in front back db; do
		add_namespace "$run-$kind-$name"
		in_host ip link add link "$kind-parent" name eth0 index "$index" netns "$run-$kind-$name" \
			address "$(mac_number "${number[$name]}")" type macvlan mode "$kind"
		add_addresses "$kind-$name" "${number[$name]}"
	done
}

# endpoint_of KIND NAME: as epgctl knows it.
endpoint_of()
{
	if [[ $1 == veth ]]; then
		echo "veth-$2"
	else
		echo "eth0@/run/netns/$run-$1-$2"
	fi
}

# bind_all KIND
bind_all()
{
	local name endpoint

	check "$1: the policy is applied" epgctl apply -f "$scratch/macvlan.yaml"
	check "$1: the parent is an uplink" epgctl endpoint add "$1-parent" --group mv/lan
	for name in front back db; do
		endpoint=$(endpoint_of "$1" "$name")
		check "$1: $name is an endpoint" epgctl endpoint add "$endpoint" --group "mv/store/$name" \
			--ip "10.1.0.${number[$name]}" --ip "fd00:1::${number[$name]}" \
			--mac "$(mac_number "${number[$name]}")"
	done
}

# serve_all KIND
serve_all()
{
	local name

	for name in front back db outside; do
		serve "$1-$name" 80
		watch_frames "$1-$name"
	done
	echo_server "$1-back" udp 7003
	start_inside "$1-back" "$PROBE" receive 7002 60000 >/dev/null # or ICMP errors answer
}

# ---- verdicts ----

# check_pairs KIND: conversations between containers.
check_pairs()
{
	local kind=$1 back4=10.1.0.3 back6=fd00:1::3 address

	for address in $back4 $back6; do
		check "$kind: front gets back's page at $address" gets "$kind-front" "$address" 80
		check "$kind: talks UDP" talks "$kind-front" udp "$address" 7003
		check "$kind: pings" pings "$kind-front" "$address"
	done
	for address in 10.1.0.4 fd00:1::4; do
		patience=0.7 check_not "$kind: front does not reach db at $address" gets "$kind-front" "$address" 80
	done
	patience=0.7 check_not "$kind: back does not reach front" gets "$kind-back" 10.1.0.2 80
	patience=0.7 check_not "$kind: nor does it ping" pings "$kind-back" 10.1.0.2
}

# check_outside KIND: conversations with the outside.
check_outside()
{
	local kind=$1 address

	for address in $lan4 $lan6; do
		check "$kind: front gets its updates from $address" gets "$kind-front" "$address" 80
		patience=0.7 check_not "$kind: db does not" gets "$kind-db" "$address" 80
	done
	for address in 10.1.0.3 fd00:1::3; do
		check "$kind: the outside gets back's page at $address" gets "$kind-outside" "$address" 80
	done
	patience=0.7 check_not "$kind: but not db's" gets "$kind-outside" 10.1.0.4 80
}

# check_frames KIND: frames of one container for others.
check_frames()
{
	local kind=$1

	check_frame "$kind: front's datagram for back" "$kind-back" "$kind-front" src=10.1.0.2 dst=10.1.0.3 dmac="$back"
	check_drop implicit-deny "$kind: front's for db" "$kind-db" "$kind-front" src=10.1.0.2 dst=10.1.0.4 dmac="$db"
	check_drop spoofed-address "$kind: db's as front" "$kind-back" "$kind-db" src=10.1.0.2 dst=10.1.0.3 dmac="$back"
	check_drop spoofed-address "$kind: over IPv6" "$kind-back" "$kind-db" src=fd00:1::2 dst=fd00:1::3 dmac="$back"
	check_drop spoofed-mac "$kind: with front's MAC address" "$kind-back" "$kind-db" src=10.1.0.2 dst=10.1.0.3 \
		dmac="$back" smac="$front"
	check_drop spoofed-address "$kind: db's ARP for front's address" "$kind-back" "$kind-db" arp=2 spa=10.1.0.2 \
		tpa=10.1.0.3 dmac="$back"
	check_drop spoofed-mac "$kind: db's ARP for front's MAC address" "$kind-back" "$kind-db" arp=2 spa=10.1.0.4 \
		sha="$front" tpa=10.1.0.3 dmac="$back"
	check_frame "$kind: ARP that asks everybody" "$kind-back" "$kind-front" arp=1 spa=10.1.0.2 tpa=10.1.0.3
	check_drop unknown-destination "$kind: a broadcast" "$kind-back" "$kind-front" src=10.1.0.2 dst=10.1.0.255
	check_drop unknown-destination "$kind: multicast that no group covers" "$kind-back" "$kind-front" src=10.1.0.2 \
		dst=224.0.0.251 dmac=01:00:5e:00:00:fb
	check_drop vlan "$kind: a VLAN tag" "$kind-back" "$kind-front" src=10.1.0.2 dst=10.1.0.3 dmac="$back" vlan=120
	# A hook inside can't tell the outside from a sibling that goes past its own hook.
	check_drop "$([[ $kind == bridge ]] && echo unvouched || echo spoofed-address)" "$kind: the outside as front" \
		"$kind-back" "$kind-outside" src=10.1.0.2 dst=10.1.0.3 dmac="$back"
}

# hears NAME: its socket has joined the group.
hears()
{
	listens "$1" u 7004 && inside "$1" ip -4 maddr show | grep -q -w 239.1.1.1
}

# check_multicast KIND: what a group covers arrives where the contract with the sender permits it, and nowhere else. Seen
# at sockets: packet sockets inside see a frame before the hook inside does.
check_multicast()
{
	local name receivers=()

	for name in back db; do
		start_inside "$1-$name" env GROUP=239.1.1.1 "$PROBE" receive 7004 1000 >"$scratch/groups-$name"
		receivers+=("$child")
		wait_for 5 hears "$1-$name"
	done
	inside "$1-front" ip route replace 239.0.0.0/8 dev eth0
	inside "$1-front" "$PROBE" send 239.1.1.1 7004 5 >/dev/null
	wait "${receivers[@]}"
	check_same "$1: multicast from front to a group that it may send to arrives at back" "received 5 of 5" \
		"$(cut -d' ' -f1-4 "$scratch/groups-back")"
	check_same "$1: db, which has no contract with front, does not get it" "received 0 of 0" \
		"$(cut -d' ' -f1-4 "$scratch/groups-db")"
	check_drop implicit-deny "$1: multicast of db" "$1-back" "$1-db" src=10.1.0.4 dst=239.1.1.1 \
		dmac=01:00:5e:01:01:01
}

counted()
{
	json "[.contracts[].rules[] | select(.contract == \"mv/web\" and .entry == \"datagrams\") | .packets] | add" \
		contract ls
}

check_counted_once()
{
	local before

	before=$(counted)
	frame "$1-front" counted src=10.1.0.2 dst=10.1.0.3 dmac="$back" count=50
	settle
	check_same "$1: each packet is counted once" "50 50" "$(arrivals "$1-back" counted) $(($(counted) - before))"
}

# check_past_hook KIND: what never goes through the queueing discipline does not pass the hook there either.
check_past_hook()
{
	local kind=$1 victim

	for victim in back:3 db:4; do
		check_drop unvouched "$kind: front's frame for ${victim%:*}, past its hook" "$kind-${victim%:*}" \
			"$kind-front" bypass=1 src=10.1.0.2 "dst=10.1.0.${victim#*:}" \
			"dmac=$(mac_number "${victim#*:}")"
	done
	check_drop unvouched "$kind: over IPv6" "$kind-back" "$kind-front" bypass=1 src=fd00:1::2 dst=fd00:1::3 \
		dmac="$back"
	check_drop unvouched "$kind: as back to front" "$kind-front" "$kind-db" bypass=1 src=10.1.0.3 dst=10.1.0.2 \
		dmac="$front" smac="$back"
	check_drop unvouched "$kind: with our mark" "$kind-back" "$kind-db" bypass=1 mark=0x10000000 src=10.1.0.2 \
		dst=10.1.0.3 dmac="$back" smac="$front"
	check_drop unvouched "$kind: db's to the outside" "$kind-outside" "$kind-db" bypass=1 src=10.1.0.4 dst=$lan4 \
		dmac="$(mac_of "$kind-outside")"
	check_drop unvouched "$kind: as front, which may" "$kind-outside" "$kind-db" bypass=1 src=10.1.0.2 dst=$lan4 \
		dmac="$(mac_of "$kind-outside")" smac="$front" protocol=tcp dport=80
}

# check_broadcast_past_hook KIND: a broadcast goes to all siblings at once; a packet socket there would see it, nothing
# else gets it.
check_broadcast_past_hook()
{
	inside "$1-back" ip neigh replace 10.1.0.2 lladdr "$front" dev eth0 nud stale
	frame "$1-db" broadcast bypass=1 arp=1 spa=10.1.0.2 tpa=10.1.0.3
	frame "$1-db" broadcast bypass=1 arp=2 spa=10.1.0.2 tpa=10.1.0.2
	settle
	check_same "$1: ARP to all, past the hook, moves nobody's entry for front" "$front" \
		"$(inside "$1-back" ip -j neigh show 10.1.0.2 dev eth0 | jq -r '.[0].lladdr')"
}

# check_administrator KIND: what CAP_NET_ADMIN in the container can do to its interface.
check_administrator()
{
	local kind=$1

	inside "$kind-db" tc qdisc add dev eth0 clsact 2>/dev/null || true
	inside "$kind-db" tc qdisc del dev eth0 clsact 2>/dev/null || true
	inside "$kind-db" tc qdisc replace dev eth0 root pfifo 2>/dev/null || true
	check_drop spoofed-address "$kind: db without queueing disciplines, as front" "$kind-back" "$kind-db" \
		src=10.1.0.2 dst=10.1.0.3 dmac="$back"
	check_drop implicit-deny "$kind: with our mark" "$kind-back" "$kind-db" mark=0x10000000 src=10.1.0.4 \
		dst=10.1.0.3 dmac="$back"
	check_drop implicit-deny "$kind: with all marks" "$kind-back" "$kind-db" mark=0xffffffff src=10.1.0.4 \
		dst=10.1.0.3 dmac="$back"
	inside "$kind-db" ip link set eth0 address 02:00:0a:01:00:77
	check_drop_beside spoofed-mac "$kind: with a new MAC address" "$kind-back" "$kind-db" src=10.1.0.4 dst=10.1.0.3 \
		dmac="$back"
	inside "$kind-db" ip link set eth0 address "$db"
	inside "$kind-db" ip link set eth0 down
	inside "$kind-db" ip link set eth0 name other0 up
	interface=other0 check_drop implicit-deny "$kind: by another name" "$kind-back" "$kind-db" src=10.1.0.4 \
		dst=10.1.0.3 dmac="$back"
	inside "$kind-db" ip link set other0 down
	inside "$kind-db" ip link set other0 name eth0 up
}

# check_second_device KIND: a macvlan device on a macvlan device is one more on the same parent, with no hook of ours.
check_second_device()
{
	local kind=$1 outside

	outside=$(mac_of "$kind-outside")
	inside "$kind-db" sysctl -q -w net.ipv6.conf.default.disable_ipv6=1 # what it sends is counted
	inside "$kind-db" ip link add mv1 link eth0 address 02:00:0a:01:00:66 type macvlan mode bridge
	inside "$kind-db" ip link set mv1 up
	interface=mv1 check_drop unvouched "$kind: by a second device, as itself" "$kind-back" "$kind-db" src=10.1.0.4 \
		dst=10.1.0.3 dmac="$back"
	interface=mv1 check_drop unvouched "$kind: as front" "$kind-back" "$kind-db" src=10.1.0.2 dst=10.1.0.3 dmac="$back"
	interface=mv1 check_drop unvouched "$kind: as front with its MAC address" "$kind-back" "$kind-db" src=10.1.0.2 \
		dst=10.1.0.3 dmac="$back" smac="$front"
	interface=mv1 check_drop unvouched "$kind: as front to the outside" "$kind-outside" "$kind-db" src=10.1.0.2 \
		dst=$lan4 dmac="$outside" smac="$front" protocol=tcp dport=80
	[[ $kind != bridge ]] || interface=mv1 check_drop unknown-source "$kind: as nobody" "$kind-back" "$kind-db" \
		src=10.1.0.20 dst=10.1.0.3 dmac="$back"
	interface=mv1 check_drop unvouched "$kind: as nobody to the outside" "$kind-outside" "$kind-db" src=10.1.0.20 \
		dst=$lan4 dmac="$outside"
	inside "$kind-db" ip link delete mv1
}

make_host
for kind in veth bridge vepa private; do
	if [[ $kind == veth ]]; then
		make_veths
	else
		make_macvlans "$kind"
	fi
	serve_all "$kind"
	bind_all "$kind"
	if [[ $kind != private ]]; then
		check_pairs "$kind"
		check_frames "$kind"
		check_multicast "$kind"
		check_counted_once "$kind"
	else
		patience=0.7 check_not "private: front does not reach back, whatever the contract" gets private-front \
			10.1.0.3 80
	fi
	check_outside "$kind"
	if [[ $kind != veth ]]; then
		check_past_hook "$kind"
		check_broadcast_past_hook "$kind"
	fi
	[[ $kind != bridge ]] || check_administrator bridge
	[[ $kind == veth ]] || check_second_device "$kind"
	if [[ $kind == bridge ]]; then
		inside bridge-db ip link set eth0 type macvlan mode vepa
		check_drop unvouched "a container that changes its device's mode, as front" bridge-back bridge-db \
			bypass=1 src=10.1.0.2 dst=10.1.0.3 dmac="$back" smac="$front"
		check_drop implicit-deny "and by its hook" bridge-back bridge-db src=10.1.0.4 dst=10.1.0.3 dmac="$back"
	fi
	epgctl -q unload
done
finish
