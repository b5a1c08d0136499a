#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A container with CAP_NET_ADMIN and CAP_NET_RAW does all it can to get what the policy denies: db, which may reach
# nobody, against back and front. Each try is dropped under the reason that says what it was, and in the end the others
# reach each other as before.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/frames.sh"
source "$here/others.sh"

front=02:00:0a:01:00:02 back=02:00:0a:01:00:03 db=02:00:0a:01:00:04
to_back=(dst=10.1.0.3 "dmac=$back")
to_back6=(dst=fd00:1::3 "dmac=$back")
to_all6=(dst=ff02::1 dmac=33:33:00:00:00:01 protocol=icmpv6 ttl=255)
as_itself=(src=10.1.0.4 "${to_back[@]}")

make_shop
sed 's/ips: \[10.1.0.4, "fd00:1::4"\]/&, mac: "02:00:0a:01:00:04"/' "$POLICIES/shop.yaml" >"$scratch/shop.yaml"
serve back 80
watch_frames back
watch_frames front
check "the policy is applied" epgctl apply -f "$scratch/shop.yaml"
check "front gets back's page" gets front 10.1.0.3 80
gets front fd00:1::3 80 || true

# ---- others' addresses ----
check_drop implicit-deny "as itself" back db "${as_itself[@]}"
check_drop spoofed-address "as front" back db src=10.1.0.2 "${to_back[@]}"
check_drop spoofed-address "as front, IPv6" back db src=fd00:1::2 "${to_back6[@]}"
check_drop spoofed-address "as the gateway" back db src=10.1.0.1 "${to_back[@]}"
check_drop spoofed-address "as back itself" back db src=10.1.0.3 "${to_back[@]}"
check_drop spoofed-mac "with front's MAC address" back db src=10.1.0.2 smac=$front "${to_back[@]}"
check_drop spoofed-mac "with a MAC address of nobody" back db src=10.1.0.4 smac=02:00:00:00:00:99 "${to_back[@]}"
check_drop spoofed-address "an answer to a flow of back's that it never opened" back db src=10.1.0.2 protocol=tcp \
	sport=40000 dport=80 flags=A "${to_back[@]}"

# ---- who has which address: ARP and neighbour discovery ----
check_drop spoofed-address "ARP reply for front's address" back db arp=2 spa=10.1.0.2 tpa=10.1.0.3 tha=$back dmac=$back
check_drop spoofed-address "ARP request as front" back db arp=1 spa=10.1.0.2 tpa=10.1.0.3
check_drop spoofed-address "gratuitous ARP for front's address" back db arp=1 spa=10.1.0.2 tpa=10.1.0.2
check_drop spoofed-address "gratuitous ARP reply" back db arp=2 spa=10.1.0.2 tpa=10.1.0.2
check_drop spoofed-address "ARP for the gateway's address" back db arp=2 spa=10.1.0.1 tpa=10.1.0.3 dmac=$back
check_drop spoofed-mac "ARP that tells front's MAC address" back db arp=2 spa=10.1.0.4 sha=$front tpa=10.1.0.3 \
	dmac=$back
check_drop spoofed-address "neighbour advertisement for front's address" back db src=fd00:1::4 target=fd00:1::2 \
	lladdr=$db "${to_back6[@]}" protocol=icmpv6 type=136 ttl=255
check_drop spoofed-address "to all, unasked" back db src=fd00:1::4 target=fd00:1::2 lladdr=$db "${to_all6[@]}" type=136
check_drop spoofed-address "as front" back db src=fd00:1::2 target=fd00:1::2 lladdr=$db "${to_back6[@]}" \
	protocol=icmpv6 type=136 ttl=255
check_drop spoofed-mac "with front's MAC address in it" back db src=fd00:1::4 target=fd00:1::4 lladdr=$front \
	"${to_back6[@]}" protocol=icmpv6 type=136 ttl=255
check_drop spoofed-address "neighbour solicitation as front" back db src=fd00:1::2 target=fd00:1::3 lladdr=$db \
	"${to_back6[@]}" protocol=icmpv6 type=135 ttl=255

# ---- a router or a server that everybody would believe ----
check_drop router "router advertisement" back db src=fe80::4 lladdr=$db "${to_all6[@]}" type=134
check_drop router "redirect" back db src=fe80::4 target=fd00:1::2 lladdr=$db "${to_back6[@]}" protocol=icmpv6 type=137 \
	ttl=255
check_drop router "membership query" back db src=10.1.0.4 dst=224.0.0.1 dmac=01:00:5e:00:00:01 protocol=igmp type=0x11
check_drop unknown-destination "DHCP offer to all" back db src=10.1.0.4 dst=255.255.255.255 sport=67 dport=68
check_drop implicit-deny "DHCP offer to back" back db "${as_itself[@]}" sport=67 dport=68
check_drop implicit-deny "DHCPv6 reply to back" back db src=fd00:1::4 "${to_back6[@]}" sport=547 dport=546
check_drop router "ICMP redirect" back db "${as_itself[@]}" protocol=icmp \
	raw=0501fa030a0100044500001c0001000040060000000000000a0100030a0100029c40005000000000

# ---- frames that some looks do not reach into ----
check_drop vlan "a VLAN tag that it was not given" back db "${as_itself[@]}" vlan=120
check_drop vlan "two tags" back db "${as_itself[@]}" vlan=0 second_vlan=120
check_drop implicit-deny "a priority tag" back db "${as_itself[@]}" vlan=0
check_drop implicit-deny "IPv4 options" back db "${as_itself[@]}" options=40 protocol=tcp dport=80 flags=S
check_drop implicit-deny "IPv6 extension headers" back db src=fd00:1::4 "${to_back6[@]}" extensions=6
check_drop fragment "a later fragment" back db "${as_itself[@]}" size=1000 offset=512 length=64
check_drop implicit-deny "a first fragment" back db "${as_itself[@]}" size=1000 length=512
check_drop implicit-deny "an EtherType of its own" back db ether=0x88b5 dmac=$back
check_drop ethertype "to all" back db ether=0x88b5
check_drop implicit-deny "our mark" back db mark=0x10000000 "${as_itself[@]}"
check_drop implicit-deny "all marks" back db mark=0xffffffff "${as_itself[@]}"
check_drop implicit-deny "past its queueing disciplines" back db bypass=1 "${as_itself[@]}"
check_drop implicit-deny "a frame for front, led to back" back db src=10.1.0.4 dst=10.1.0.2 dmac=$back

# ---- its own interface ----
load_others container
inside db tc qdisc del dev eth0 root 2>/dev/null || true
attach_clsact container count_in "db" eth0 ingress
attach_clsact container count_out "db" eth0 egress
start_inside db "$PROBE" tcx "$(program_of container count_out)" eth0 egress first >"$scratch/tcx"
wait_for 5 grep -q attached "$scratch/tcx"
check_drop implicit-deny "with programs of its own" back db "${as_itself[@]}"
inside db tc qdisc del dev eth0 clsact
check_drop implicit-deny "without queueing disciplines" back db "${as_itself[@]}"
inside db ip link set eth0 address $front
check_drop spoofed-mac "with front's MAC address for good" back db src=10.1.0.2 "${to_back[@]}"
inside db ip link set eth0 address $db
inside db sysctl -q -w net.ipv6.conf.default.disable_ipv6=1 # what it sends is counted
inside db ip link add mv0 link eth0 address 02:00:00:00:00:98 type macvlan mode bridge
inside db ip link set mv0 up
interface=mv0 check_drop spoofed-mac "by a macvlan device of its own" back db src=10.1.0.2 "${to_back[@]}"
inside db ip link delete mv0
inside db ip link add own0 type bridge
inside db ip link set own0 address $db up
inside db ip link set eth0 master own0
interface=own0 check_drop implicit-deny "by a bridge of its own" back db "${as_itself[@]}"
inside db ip link delete own0
inside db ip link set eth0 down
inside db ip link set eth0 name wan0 up
interface=wan0 check_drop implicit-deny "by another name" back db "${as_itself[@]}"
add_namespace "$run-den"
inside db ip link set wan0 netns "$run-den"
inside den ip link set wan0 up
interface=wan0 check_drop implicit-deny "from another namespace" back den smac=$db "${as_itself[@]}"
interface=wan0 check_drop spoofed-address "from there as front" back den smac=$db src=10.1.0.2 "${to_back[@]}"

# ---- the host's interfaces, by the namespace id of its veth's other end ----
inside den sysctl -q -w net.ipv6.conf.default.disable_ipv6=1
bridge=$(in_host ip -j link show br0 | jq '.[0].ifindex')
inside den ip link add mv1 link "if$bridge" link-netnsid 0 address $front type macvlan mode bridge
inside den ip link set mv1 up
interface=mv1 check_drop spoofed-address "on the host's bridge, as front" back den src=10.1.0.2 "${to_back[@]}"
interface=mv1 check_drop spoofed-address "with our mark" back den mark=0x10000000 src=10.1.0.2 "${to_back[@]}"
interface=mv1 check_drop spoofed-address "past its queueing disciplines" back den bypass=1 src=10.1.0.2 "${to_back[@]}"
interface=mv1 check_drop unknown-source "as nobody" back den src=10.1.0.99 "${to_back[@]}"
inside den ip link delete mv1
veth=$(in_host ip -j link show shop-back | jq '.[0].ifindex')
check_not "a macvlan device on a port of the bridge can't be made" \
	inside den ip link add mv2 link "if$veth" link-netnsid 0 type macvlan mode bridge
inside den ip link delete wan0
check_not "its end of the veth is gone, and the host's with it" in_host ip link show shop-db

check "front still gets back's page" gets front 10.1.0.3 80
check "over IPv6" gets front fd00:1::3 80
check_same "nothing of db has ever arrived at front" 0 "$(grep -c drop "$scratch/watch-front" || true)"
finish
