#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each kind of frame that is dropped is counted once, under the reason that docs/datapath.md gives for it.
# Those that take more than one frame by hand have tests of their own: `unvouched` in macvlan.sh.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/frames.sh"

back=02:00:0a:01:00:03 db=02:00:0a:01:00:04
from_front=(src=10.1.0.2 dst=10.1.0.3 "dmac=$back")
from_front6=(src=fd00:1::2 dst=fd00:1::3 "dmac=$back")

make_shop
make_container learner 5
make_container talker 6
make_container stray 7
inside learner sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=1 # or its link-local address is the first of eight
add_namespace "$run-outside"
in_host ip link add uplink type veth peer name eth0 netns "$run-outside"
in_host ip link set uplink master br0 up
inside outside ip link set eth0 up
for name in front back db outside; do
	watch_frames "$name"
done

epgctl -q attach shop-front
check_drop_beside no-policy "without a policy" back front "${from_front[@]}"

pair_policy "subjects: [{name: s, filters: [datagrams, stream]}, {name: no, filters: [{name: more, action: deny}]}]" |
	sed '/name: front, bridgeDomain/i\
    - {name: learners, bridgeDomain: bd1, consume: [talk], endpoints: [{interface: shop-learner}]}\
    - {name: talkers, bridgeDomain: bd1, consume: [talk], police: {rate: 8kbit, burst: 1514b},\
       endpoints: [{interface: shop-talker, ips: [10.1.0.6]}]}' >"$scratch/drops.yaml"
cat >>"$scratch/drops.yaml" <<'YAML'
  externalEpgs:
  - {name: outside, vrf: prod, subnets: [192.0.2.0/24], consume: [talk]}
YAML
check "the policy is applied" epgctl apply -f "$scratch/drops.yaml"
check "with an uplink" epgctl endpoint add uplink --group shop/outside
check "and a stray interface" epgctl attach shop-stray
in_host ip route replace 192.0.2.0/24 dev br0

check_frame "what a contract permits" back front "${from_front[@]}"
check_frame "over IPv6 too" back front "${from_front6[@]}"
check_frame "from the outside too" back outside src=192.0.2.9 dst=10.1.0.3 dmac=$back
check_drop implicit-deny "what none permits" back front "${from_front[@]}" dport=9
check_drop denied "what a rule denies" back front "${from_front[@]}" dport=7003
before=$(dropped quarantine)
frame stray quarantine src=10.1.0.7 dst=10.1.0.3 dmac=$back
settle
check_same "from an interface without a group: does not arrive" 0 "$(arrivals back quarantine)"
check "and is dropped as quarantine" test "$(dropped quarantine)" -gt "$before" # others' multicast is, too
check_drop spoofed-mac "with another's MAC address" back front "${from_front[@]}" smac=$db
check_drop spoofed-address "with another's address" back front src=10.1.0.4 dst=10.1.0.3 dmac=$back
check_drop spoofed-address "ARP that tells another's address" back front arp=2 spa=10.1.0.4 tpa=10.1.0.3 dmac=$back
check_drop spoofed-mac "ARP that tells another's MAC address" back front arp=2 spa=10.1.0.2 sha=$db tpa=10.1.0.3 \
	dmac=$back
check_drop outside-subnet "with an address of no subnet" back learner src=192.0.2.66 dst=10.1.0.3 dmac=$back
for number in 1 2 3 4 5 6 7 8; do
	check_frame "its address number $number" back learner "src=10.1.0.10$number" dst=10.1.0.3 dmac=$back
done
check_drop learn-limit "its ninth" back learner src=10.1.0.109 dst=10.1.0.3 dmac=$back
check_drop misdirected "for back, led to db" db front src=10.1.0.2 dst=10.1.0.3 dmac=$db
check_drop unknown-destination "to an address of nobody" outside front src=10.1.0.2 dst=10.1.0.99
check_drop unknown-source "from an address of nobody" back outside src=203.0.113.9 dst=10.1.0.3 dmac=$back
check_drop malformed "cut short" back front "${from_front[@]}" cut=40
check_drop malformed "cut short, IPv6" back front "${from_front6[@]}" cut=60
check_drop malformed "a fragment that ends beyond 65535" back front "${from_front[@]}" size=65528 offset=65528 length=8
check_drop malformed "a fragment of 4 bytes that is not the last" back front "${from_front[@]}" size=1000 offset=512 \
	length=4
check_drop malformed "a TCP fragment that writes over the flags" back front "${from_front[@]}" protocol=tcp dport=7001 \
	size=1000 offset=8 length=64
check_drop ethertype "neither IP nor ARP, to all" back front ether=0x88cc
check_drop vlan "with a VLAN tag" back front "${from_front[@]}" vlan=120
check_drop vlan "with two" back front "${from_front[@]}" vlan=120 second_vlan=121
check_drop vlan "with a provider's tag" back front "${from_front[@]}" vlan=120 tpid=0x88a8
check_frame "with a priority tag" back front "${from_front[@]}" vlan=0
check_drop implicit-deny "the first fragment of what none permits" back front "${from_front[@]}" dport=9 size=1000 \
	length=512 id=1
check_drop fragment "the rest of it" back front "${from_front[@]}" dport=9 size=1000 offset=512 length=496 id=1
check_drop extension "seven extension headers" back front "${from_front6[@]}" extensions=7
check_frame "six of them" back front "${from_front6[@]}" extensions=6
check_frame "IPv4 options" back front "${from_front[@]}" options=40
check_drop router "a router's advertisement" back front src=fe80::1 dst=ff02::1 dmac=33:33:00:00:00:01 protocol=icmpv6 \
	type=134 ttl=255
check_drop router "a redirect" back front "${from_front6[@]}" protocol=icmpv6 type=137 ttl=255
check_drop router "a membership query" back front src=10.1.0.2 dst=224.0.0.1 dmac=01:00:5e:00:00:01 protocol=igmp \
	type=0x11
check_drop unrelated "an ICMP error about nothing" back front "${from_front[@]}" protocol=icmp type=3 code=1 \
	raw=0301fcfe0000000045000020000100004011000000000000000000000a0100030a0100021b5a9c4000080000
check_drop martian "from a multicast address" back front src=224.0.0.5 dst=10.1.0.3 dmac=$back
check_drop martian "from the broadcast address" back front src=255.255.255.255 dst=10.1.0.3 dmac=$back
check_drop martian "from loopback" back front src=127.0.0.1 dst=10.1.0.3 dmac=$back
check_drop martian "to loopback" back front src=10.1.0.2 dst=127.0.0.1 dmac=$back
check_drop martian "to nowhere" back front src=10.1.0.2 dst=0.0.0.0 dmac=$back
check_drop martian "from IPv6 loopback" back front src=::1 dst=fd00:1::3 dmac=$back
check_drop martian "from an IPv6 multicast address" back front src=ff02::1 dst=fd00:1::3 dmac=$back
check_drop martian "from nowhere, from the outside" back outside src=0.0.0.0 dst=10.1.0.3 dmac=$back
for flags in SF SR 0 F FU; do
	check_drop tcp-flags "TCP with flags $flags" back front "${from_front[@]}" protocol=tcp dport=7001 flags=$flags
done
check_frame "TCP with flags S" back front "${from_front[@]}" protocol=tcp dport=7001 flags=S sport=41000

# A fragment that begins before the first one's end; then the rest of that packet does not pass either.
check_frame "the first fragment" back front "${from_front[@]}" size=1000 offset=0 length=512 id=7
check_drop overlap "a later one that writes over it" back front "${from_front[@]}" size=1000 offset=256 length=512 id=7
check_drop fragment "the rest of that packet" back front "${from_front[@]}" size=1000 offset=512 length=496 id=7

before=$(dropped policed)
frame talker police src=10.1.0.6 dst=10.1.0.3 dmac=$back size=1000 count=20
settle
passed=$(arrivals back police)
check "what goes beyond the rate is dropped ($passed of 20 arrive)" test "$passed" -ge 1 -a "$passed" -le 3
check_same "as policed" $((20 - passed)) $(($(dropped policed) - before))
finish
