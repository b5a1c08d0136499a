#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a hostile container with a macvlan device can try: db, which has a contract with nobody, has CAP_NET_ADMIN and
# CAP_NET_RAW in its own namespace. It sends past its hook, rewrites what hooks have vouched for, and puts a second
# device on the parent. And beside it all that is legitimate works.
#
#   front, back, db -- macvlan, bridge mode -- parent (an uplink; the host's own address) ====== outside, the gateway
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/frames.sh"
source "$here/others.sh" # words
for program in nft tc ethtool bpftool; do
	command -v "$program" >/dev/null || skip_all "no $program here (tools/setup installs it)"
done

gateway4=10.1.0.70 gateway6=fd00:1::70 host4=10.1.0.90 host6=fd00:1::90
group=224.0.0.251
mdns=("dst=$group" dmac=01:00:5e:00:00:fb sport=5353 dport=5353)

mac_number()
{
	printf '02:00:0a:01:00:%02x' "$1"
}
front=$(mac_number 2) back=$(mac_number 3) db=$(mac_number 4) second=$(mac_number 102) gateway=$(mac_number 70)

# ---- the network ----

# make_quiet NAME NUMBER: the addresses, and nothing that its eth0 sends unasked.
make_quiet()
{
	inside "$1" sysctl -q -w net.ipv6.conf.eth0.autoconf=0 net.ipv6.conf.eth0.router_solicitations=0 \
		net.ipv4.neigh.eth0.locktime=0 # an entry that was just confirmed can be moved, too
	inside "$1" ip addr add "10.1.0.$2/24" dev eth0
	inside "$1" ip addr add "fd00:1::$2/64" dev eth0 nodad
	inside "$1" ip link set eth0 up
	inside "$1" ip route add 224.0.0.0/4 dev eth0
}

make_network()
{
	local name number=2

	add_namespace "$host"
	add_namespace "$run-outside"
	in_host ip link add parent type veth peer name eth0 address "$gateway" netns "$run-outside"
	in_host ip addr add "$host4/24" dev parent
	in_host ip addr add "$host6/64" dev parent nodad
	in_host ip link set parent up
	make_quiet outside 70
	for name in front back db; do
		add_namespace "$run-$name"
		in_host ip link add link parent name eth0 netns "$run-$name" address "$(mac_number $number)" \
			type macvlan mode bridge
		make_quiet "$name" $number
		inside "$name" ip route add default via $gateway4
		number=$((number + 1))
	done
}

cat >"$scratch/attacks.yaml" <<'YAML'
version: 1
tenants:
- name: mv
  vrfs: [{name: prod}]
  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24, "fd00:1::1/64"]}]
  filters:
  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}
  - {name: datagrams, entries: [{name: datagrams, etherT: ip, prot: udp, dPort: 7002-7003}]}
  - {name: mdns, entries: [{name: mdns, etherT: ip, prot: udp, dPort: 5353, stateful: false}]}
  contracts:
  - {name: web, subjects: [{name: s, filters: [http, datagrams, mdns]}]}
  - {name: groups, subjects: [{name: s, filters: [mdns]}]}
  - {name: updates, subjects: [{name: s, filters: [http]}]}
  appProfiles:
  - name: store
    epgs:
    - {name: front, bridgeDomain: bd1, consume: [web, groups, updates]}
    - {name: back, bridgeDomain: bd1, provide: [web]}
    - {name: db, bridgeDomain: bd1}
  externalEpgs:
  - {name: lan, vrf: prod, subnets: [10.1.0.64/26, "fd00:1::70/128"], consume: [web, groups], provide: [updates]}
  - {name: multicast, vrf: prod, subnets: [224.0.0.0/4], provide: [groups]}
YAML

bind_all()
{
	local name number=2

	check "the policy is applied" epgctl apply -f "$scratch/attacks.yaml"
	check "the parent is an uplink" epgctl endpoint add parent --group mv/lan
	for name in front back db; do
		check "$name is an endpoint" epgctl endpoint add "eth0@/run/netns/$run-$name" --group "mv/store/$name" \
			--ip "10.1.0.$number" --ip "fd00:1::$number" --mac "$(mac_number $number)"
		number=$((number + 1))
	done
}

# ---- what the attacks share ----

# check_refused REASON NUMBER WHAT COMMAND...: what the command sends is dropped, so many frames, for just that reason.
check_refused()
{
	local reason=$1 number=$2 what=$3 before after found

	shift 3
	before=$(epgctl -j drops)
	"$@" >/dev/null 2>&1 || true
	settle
	after=$(epgctl -j drops)
	found=$(($(packets_dropped "$reason" <<<"$after") - $(packets_dropped "$reason" <<<"$before")))
	if ((found == number)); then
		pass "$what: dropped as $reason"
	else
		not_pass "$what: dropped as $reason" "$found frames, not $number" \
			"$(comm -13 <(jq -c '.drops[]' <<<"$before" | sort) <(jq -c '.drops[]' <<<"$after" | sort))"
	fi
}

# neighbor NAME ADDRESS: the MAC address that it has for this one.
neighbor()
{
	inside "$1" ip -j neigh show "$2" dev eth0 | jq -r '.[0].lladdr'
}

# check_neighbor WHAT ADDRESS MAC KEY=VALUE...: a frame of db's to back, past its hook, does not move back's entry.
check_neighbor()
{
	local what=$1 address=$2 mac=$3

	shift 3
	inside back ip neigh replace "$address" lladdr "$mac" dev eth0 nud stale
	check_drop unvouched "$what" nobody db bypass=1 dmac="$back" "$@"
	check_same "$what: back's entry stays as it is" "$mac" "$(neighbor back "$address")"
}

# udp_arrived NAME: datagrams that have reached its sockets, or would have.
udp_arrived()
{
	# shellcheck disable=SC2016 # awk's fields
	inside "$1" awk '/^Udp: [0-9]/ { print $2 + $3 }' /proc/self/net/snmp
}

# hears NAME PORT: a socket is there, and in the group.
hears()
{
	listens "$1" u "$2" && inside "$1" ip -4 maddr show dev eth0 | grep -q -w "$group"
}

# takes WHAT NAME PORT COMMAND...: a socket there gets just one datagram of what the command sends.
takes()
{
	local what=$1 name=$2 port=$3 receiver

	shift 3
	start_inside "$name" env GROUP=$group "$PROBE" receive "$port" 400 >"$scratch/received"
	receiver=$child
	wait_for 5 hears "$name" "$port"
	"$@" || true
	wait "$receiver" || true
	check_same "$what" "received 1" "$(cut -d' ' -f1-2 "$scratch/received")"
}

add_second_device()
{
	inside db sysctl -q -w net.ipv6.conf.default.disable_ipv6=1 # what it sends is counted
	inside db ip link add mv1 link eth0 address "$second" type macvlan mode bridge
	inside db ip link set mv1 up
}

# header SOURCE CHECKSUM: 28 bytes, of IPv4 and UDP, from 10.1.0.SOURCE to back's port 7002.
header()
{
	printf '4500001c 12340000 4011%s 0a0100%02x 0a010003 03e81b5a 00080000' "$2" "$1"
}

# rewrite_into DEVICE MATCH HEADER MAC: what comes to db's device is made a datagram, and sent to that MAC address by
# db's second device. nft keeps what hooks have noted with the packet.
rewrite_into()
{
	local word place=0 rule="$2"

	for word in $3; do
		rule+=" @nh,$place,32 set 0x$word"
		place=$((place + 32))
	done
	inside db nft -f - <<-NFT
		table netdev attack {
			chain c {
				type filter hook ingress device "$1" priority 0;
				$rule ether type set 0x0800 ether daddr set $4 counter fwd to "mv1"
			}
		}
	NFT
}

# rewritten: frames that have gone through it.
rewritten()
{
	inside db nft -j list table netdev attack | jq '[.. | .counter? // empty | .packets] | add'
}

stop_rewriting()
{
	inside db nft delete table netdev attack
}

# ---- what is legitimate ----

check_legitimate()
{
	local when=$1

	check "$when: the host pings the gateway through the parent" pings host $gateway4
	check "$when: and gets its page" gets host $gateway4 80
	check "$when: over IPv6" gets host $gateway6 80
	check "$when: the gateway pings the host" pings outside $host4
	check "$when: and gets its page" gets outside $host4 80
	check "$when: over IPv6" gets outside $host6 80
	check "$when: front gets back's page" gets front 10.1.0.3 80
	check "$when: over IPv6" gets front fd00:1::3 80
	check "$when: front gets the gateway's page" gets front $gateway4 80
	check "$when: over IPv6" gets front $gateway6 80
	check "$when: the gateway gets back's page" gets outside 10.1.0.3 80
	check "$when: over IPv6" gets outside fd00:1::3 80
	patience=0.5 check_not "$when: but not db's" gets outside 10.1.0.4 80
	patience=0.5 check_not "$when: db does not get back's page" gets db 10.1.0.3 80
	takes "$when: a DHCP answer that the gateway broadcasts reaches front" front 68 frame outside answer \
		src=$gateway4 dst=255.255.255.255 sport=67 dport=68
	check_frame "$when: db's DHCP request to all" outside db src=0.0.0.0 dst=255.255.255.255 sport=68 dport=67
	takes "$when: mDNS of front reaches back, by contract" back 5353 frame front mdns src=10.1.0.2 "${mdns[@]}"
	takes "$when: mDNS of the gateway reaches back, by contract" back 5353 frame outside mdns src=$gateway4 \
		"${mdns[@]}"
	check_frame "$when: mDNS of front to the gateway, by contract" outside front src=10.1.0.2 "${mdns[@]}"
	check_drop implicit-deny "$when: mDNS of db" nobody db src=10.1.0.4 "${mdns[@]}"
}

# ---- the attacks ----

# A broadcast of front reaches db's second device, too, with what front's hook has left for its receivers.
attack_by_replay()
{
	local before

	before=$(udp_arrived back)
	rewrite_into mv1 "arp saddr ip 10.1.0.2" "$(header 2 5497)" "$back"
	check_refused unvouched 3 "front's broadcast made a datagram for back" frame front replayed arp=1 spa=10.1.0.2 \
		tpa=10.1.0.99 count=3 gap=20000
	check_same "db has sent it three times" 3 "$(rewritten)"
	stop_rewriting
	rewrite_into mv1 "arp saddr ip 10.1.0.2 ether saddr set $db" "$(header 4 5495)" "$back"
	check_refused unvouched 1 "the same as from db itself" frame front replayed arp=1 spa=10.1.0.2 tpa=10.1.0.99
	stop_rewriting
	rewrite_into mv1 "arp saddr ip 10.1.0.2" "$(header 2 5497)" "$gateway"
	check_refused unvouched 1 "the same for the gateway's MAC address" frame front replayed arp=1 spa=10.1.0.2 \
		tpa=10.1.0.99
	stop_rewriting
	check_same "none of them has arrived at back" "$before" "$(udp_arrived back)"
	check_same "and no flow was opened by them" 0 "$(datagram_flows)"
}

datagram_flows()
{
	epgctl flow ls | grep -c 7002 || true
}

# ARP that db sends about itself, as it may, is led aside behind its hook and comes back as an answer for front.
attack_behind_hook()
{
	inside db ip link add v0 type veth peer name v1
	inside db ip link set v0 up
	inside db ip link set v1 up
	inside db tc qdisc add dev eth0 clsact
	inside db tc filter add dev eth0 egress protocol arp u32 match u32 0 0 action mirred egress redirect dev v0
	inside db nft -f - <<-NFT
		table netdev attack {
			chain c {
				type filter hook ingress device "v1" priority 0;
				arp operation reply arp saddr ip set 10.1.0.2 counter fwd to "mv1"
			}
		}
	NFT
	inside back ip neigh replace 10.1.0.2 lladdr "$front" dev eth0 nud stale
	check_refused unvouched 1 "db's ARP, rewritten behind its hook" frame db behind arp=2 spa=10.1.0.4 \
		tpa=10.1.0.3 dmac="$back"
	check_same "db has sent it" 1 "$(rewritten)"
	check_same "back's entry for front stays as it is" "$front" "$(neighbor back 10.1.0.2)"
	stop_rewriting
	inside db tc qdisc del dev eth0 clsact
	inside db ip link delete v0
}

# An address that nobody owns.
attack_by_nobody()
{
	check_drop unvouched "db as nobody to the gateway, past its hook" outside db bypass=1 src=10.1.0.20 \
		dst=$gateway4 dmac="$gateway"
	check_drop unvouched "over IPv6" outside db bypass=1 src=fd00:1::20 dst=$gateway6 dmac="$gateway"
	check_drop unvouched "ARP for it" outside db bypass=1 arp=2 spa=10.1.0.20 tpa=$gateway4 dmac="$gateway"
	check_drop unvouched "neither IP nor ARP" outside db bypass=1 ether=0x88b5 dmac="$gateway"
	check_drop unvouched "with a MAC address that nobody has" outside db bypass=1 src=10.1.0.20 dst=$gateway4 \
		dmac="$gateway" smac="$second"
	check_drop unknown-destination "the gateway's answer to nobody at db's MAC address" db outside src=$gateway4 \
		dst=10.1.0.20 dmac="$db"
	check_drop unknown-destination "over IPv6" db outside src=$gateway6 dst=fd00:1::20 dmac="$db"
	check_drop implicit-deny "its datagram for db" db outside src=$gateway4 dst=10.1.0.4 dmac="$db"
}

# Answers in the place of the gateway.
attack_by_resolution()
{
	local about=("spa=$gateway4" tpa=10.1.0.3) about6=("src=$gateway6" dst=fd00:1::3 protocol=icmpv6 ttl=255 code=0)

	inside back ip neigh replace $gateway4 lladdr "$second" dev eth0 nud stale
	settle # a moment that the kernel gives the entry
	frame outside itself arp=2 "${about[@]}" dmac="$back"
	settle
	check_same "the gateway's own ARP puts back's entry right" "$gateway" "$(neighbor back $gateway4)"
	check_neighbor "db's ARP in the place of the gateway" $gateway4 "$gateway" arp=2 "${about[@]}"
	check_neighbor "from another MAC address" $gateway4 "$gateway" arp=2 "${about[@]}" smac="$second" sha="$db"
	check_neighbor "in a request" $gateway4 "$gateway" arp=1 "${about[@]}"
	check_neighbor "with front's MAC address" $gateway4 "$gateway" arp=2 "${about[@]}" smac="$front" sha="$front"
	check_neighbor "in the place of nobody" 10.1.0.20 "$second" arp=2 spa=10.1.0.20 tpa=10.1.0.3
	check_neighbor "a neighbour advertisement in the place of the gateway" $gateway6 "$gateway" "${about6[@]}" \
		type=136 target=$gateway6 lladdr="$db"
	check_neighbor "from another MAC address" $gateway6 "$gateway" "${about6[@]}" type=136 target=$gateway6 \
		lladdr="$db" smac="$second"
	check_drop unvouched "a router advertisement" nobody db bypass=1 src=fe80::66 dst=fd00:1::3 protocol=icmpv6 \
		ttl=255 code=0 type=134 lladdr="$db" dmac="$back"
	check_same "back has no router of db's" "" "$(inside back ip -6 route show default)"
}

# as_outside ADDRESS: by its second device db asks for back's page with this address.
as_outside()
{
	inside db ip addr add "$1/32" dev mv1
	inside db ip route replace 10.1.0.3/32 dev mv1 src "$1"
	inside db ip neigh replace 10.1.0.3 lladdr "$back" dev mv1 nud permanent
	patience=0.5 gets db 10.1.0.3 80
}

stop_as_outside()
{
	inside db ip route del 10.1.0.3/32 dev mv1
	inside db ip neigh del 10.1.0.3 dev mv1
	inside db ip addr flush dev mv1
}

# Where the parent is a network card, and its driver uses NAPI, a frame that comes by no driver is a sibling's.
attack_as_outside()
{
	local before

	before=$(dropped unvouched)
	check_not "db does not get back's page as one of the LAN, by its second device" as_outside 10.1.0.80
	stop_as_outside
	check "which is dropped as unvouched" test "$(dropped unvouched)" -gt "$before"
	interface=mv1 check_drop unvouched "its datagram, as the gateway" back db src=$gateway4 dst=10.1.0.3 \
		dmac="$back"
	check_drop unvouched "past its hook, with a MAC address that nobody has" back db bypass=1 src=10.1.0.80 \
		dst=10.1.0.3 dmac="$back" smac="$second"
	check_neighbor "ARP for the gateway, with a MAC address that nobody has" $gateway4 "$gateway" arp=2 \
		spa=$gateway4 tpa=10.1.0.3 smac="$second" sha="$second"
	# What has come by the driver, and was vouched for by the parent, sent once more.
	before=$(udp_arrived back)
	rewrite_into mv1 "arp saddr ip $gateway4" "$(header 70 5453)" "$back"
	check_refused unvouched 1 "the gateway's broadcast made a datagram for back" frame outside replayed arp=1 \
		spa=$gateway4 tpa=10.1.0.99
	check_same "db has sent it" 1 "$(rewritten)"
	stop_rewriting
	check_same "it has not arrived" "$before" "$(udp_arrived back)"
}

# be_card: libepg tells a card by the bus that it is on; here the parent is called one (EPG_ENDPOINT_DEVICE, 0x0100).
be_card()
{
	local index bytes

	index=$(in_host ip -j link show parent | jq '.[0].ifindex')
	# shellcheck disable=SC2046 # a word is four bytes
	set -- $(words "$index" 0)
	read -r -a bytes <<<"$(bpftool -j map lookup pinned "$PIN/endpoints" key "$@" | jq -r '.value | join(" ")')"
	bytes[3]=$((bytes[3] | 1))
	bpftool map update pinned "$PIN/endpoints" key "$@" value "${bytes[@]}"
}

make_network
for name in front back db outside host; do
	serve "$name" 80
done
for name in db back outside; do
	watch_frames "$name"
done
: >"$scratch/watch-nobody"
start_inside back "$PROBE" receive 7002 60000 >/dev/null # or ICMP errors answer
bind_all
check_legitimate "at first"
check "an apply changes nothing of it" epgctl apply -f "$scratch/attacks.yaml"
add_second_device
attack_by_replay
attack_behind_hook
attack_by_nobody
attack_by_resolution

# With GRO a veth device has a NAPI of its own.
in_host ethtool -K parent gro on >/dev/null
inside outside ethtool -K eth0 tso off >/dev/null # or it takes the short way
check "by a veth's NAPI the gateway gets back's page" gets outside 10.1.0.3 80
in_host ethtool -K parent gro off >/dev/null
check "and without it, too" gets outside 10.1.0.3 80
in_host ethtool -K parent gro on >/dev/null
be_card
check_legitimate "by a card's NAPI"
attack_as_outside
attack_by_nobody
check "after all that front gets back's page" gets front 10.1.0.3 80
check "and so does the gateway" gets outside 10.1.0.3 80
in_host ethtool -K parent gro off >/dev/null
check "a card whose driver stops using NAPI does not cut off the host" gets outside $host4 80
check "nor does it hinder the host" gets host $gateway4 80
finish
