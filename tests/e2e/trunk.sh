#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Bare metal beside containers: machines behind a trunk are endpoints by VLAN, by VLAN and MAC address, or by MAC
# address. A switch, in a namespace of its own, sends what its access ports get over the trunk, with tags; the host has a
# bridge for each VLAN. VLAN devices may be missing in the kernel: others.bpf.c does what they do, behind our hooks.
#
#   one, admin -- 120 --+                                 +-- br120 -- front
#   two --------- 130 --+-- switch ====== trunk ==========+-- br130 -- back
#   three, four - none -+                                 +-- br0 ---- db
#   five -------- 140 --+
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/frames.sh"
source "$here/others.sh"

declare -A vlan=([one]=120 [admin]=120 [two]=130 [three]=0 [four]=0 [five]=140)
declare -A address=([one]=10.1.0.21 [admin]=10.1.0.22 [two]=10.2.0.21 [three]=10.3.0.21 [four]=10.3.0.22
	[five]=10.1.0.25)

# index_of NAMESPACE INTERFACE
index_of()
{
	inside "$1" ip -j link show "$2" | jq '.[0].ifindex'
}

# add_vlan NAMESPACE VLAN: its bridge, one port of which leads to the trunk.
add_vlan()
{
	local maps=/sys/fs/bpf/$run-$1/maps tag

	inside "$1" ip link add "br$2" type bridge mcast_snooping 0
	inside "$1" ip link set "br$2" up
	inside "$1" ip link add "vlan$2" type veth peer name "tag$2"
	inside "$1" ip link set "vlan$2" master "br$2" up
	inside "$1" ip link set "tag$2" up
	tag=$(index_of "$1" "tag$2")
	# shellcheck disable=SC2046
	bpftool map update pinned "$maps/inner" key $(words "$2") value $(words "$tag")
	# shellcheck disable=SC2046
	bpftool map update pinned "$maps/outer" key $(words "$tag") value $(words "$2" "$(index_of "$1" trunk)")
	attach_clsact "$1" tag "$1" "tag$2" ingress
}

# make_trunk NAMESPACE VLAN...: what comes without tag is in its bridge br0.
make_trunk()
{
	local name=$1 vlan

	shift
	load_others "$name"
	inside "$name" ip link add br0 type bridge mcast_snooping 0
	inside "$name" ip link set br0 up
	inside "$name" ip link set trunk master br0 up
	attach_clsact "$name" untag "$name" trunk ingress
	for vlan in "$@"; do
		add_vlan "$name" "$vlan"
	done
}

# make_machine NAME: behind an access port of the switch.
make_machine()
{
	local ip=${address[$1]}

	add_namespace "$run-$1"
	inside switch ip link add "$1" type veth peer name eth0 netns "$run-$1"
	inside switch ip link set "$1" master "br${vlan[$1]}" up
	inside "$1" sysctl -q -w net.ipv6.conf.eth0.autoconf=0 net.ipv6.conf.eth0.router_solicitations=0
	inside "$1" ip addr add "$ip/24" dev eth0
	inside "$1" ip addr add "fd00:${ip:3:1}::${ip##*.}/64" dev eth0 nodad
	inside "$1" ip link set eth0 up
}

add_namespace "$host"
add_namespace "$run-switch"
in_host ip link add trunk type veth peer name trunk netns "$run-switch"
make_trunk host 120 130
make_trunk switch 120 130 140
for name in one admin two three four five; do
	make_machine "$name"
done
inside five sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=1 # what it sends is counted
plug_container front shop-front br120 1 2
plug_container back shop-back br130 2 2
plug_container db shop-db br0 3 2
front=$(mac_of front) db=$(mac_of db) admin=$(mac_of admin) three=$(mac_of three)

# write_policy MATCH-OF-STATION
write_policy()
{
	cat <<-YAML
		version: 1
		tenants:
		- name: dc
		  vrfs: [{name: prod}]
		  bridgeDomains:
		  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24, "fd00:1::1/64"]}
		  - {name: bd2, vrf: prod, subnets: [10.2.0.1/24, "fd00:2::1/64"]}
		  - {name: bd3, vrf: prod, subnets: [10.3.0.1/24, "fd00:3::1/64"]}
		  filters:
		  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}
		  - {name: ssh, entries: [{name: login, etherT: ip, prot: tcp, dPort: 22}]}
		  - {name: datagrams, entries: [{name: datagrams, etherT: ip, prot: udp, dPort: 7002}]}
		  contracts:
		  - {name: web, subjects: [{name: s, filters: [http, datagrams]}]}
		  - {name: admin, subjects: [{name: s, filters: [ssh]}]}
		  - {name: batch, subjects: [{name: s, filters: [http]}]}
		  appProfiles:
		  - name: all
		    epgs:
		    - {name: front, bridgeDomain: bd1, provide: [web, admin], consume: [batch],
		       endpoints: [{interface: shop-front, ips: [10.1.0.2, "fd00:1::2"]}]}
		    - {name: back, bridgeDomain: bd2, provide: [web],
		       endpoints: [{interface: shop-back, ips: [10.2.0.2, "fd00:2::2"]}]}
		    - {name: db, bridgeDomain: bd3, provide: [web],
		       endpoints: [{interface: shop-db, ips: [10.3.0.2, "fd00:3::2"]}]}
		    - {name: metal, bridgeDomain: bd1, consume: [web], provide: [batch],
		       match: [{interface: trunk, vlan: 120}]}
		    - {name: admin, bridgeDomain: bd1, consume: [admin],
		       match: [{interface: "tru*", vlan: 120, mac: "$admin", ips: [10.1.0.22, "fd00:1::22"]}]}
		    - {name: station, bridgeDomain: bd3, consume: [web], match: [$1]}
		    - {name: manual, bridgeDomain: bd2, consume: [web]}
		  externalEpgs:
		  - {name: lan, vrf: prod, subnets: [10.3.0.0/24, "fd00:3::/64"]}
	YAML
}

# finds CLIENT ADDRESS WHO: asks everybody for its MAC address, though it has just forgotten it, and is answered.
finds()
{
	forget_neighbors "$1"
	forget_neighbors "$3"
	patience=0.2 pings "$1" "$2" || true # whether or not that may pass
	inside "$1" ip neigh show to "$2" dev eth0 | grep -q lladdr
}

# check_stations_found HOW: containers find stations that are told by MAC address, with a tag and without.
check_stations_found()
{
	check "$1: db finds the station without tag" finds db 10.3.0.21 three
	check "$1: over IPv6" finds db fd00:3::21 three
	check "$1: back finds the station of VLAN 130" finds back 10.2.0.21 two
	check "$1: over IPv6" finds back fd00:2::21 two
	check "$1: front finds the administrator's machine" finds front 10.1.0.22 admin
	check "$1: over IPv6" finds front fd00:1::22 admin
	forget_neighbors back
	check "$1: the station of VLAN 130 gets back's page" gets two 10.2.0.2 80
	forget_neighbors back
	check "$1: and again, when back has forgotten it" gets two 10.2.0.2 80
	check_frame "$1: its ARP probe reaches back" back two arp=1 spa=0.0.0.0 tpa=10.2.0.2
	check_frame "$1: that of the station without tag reaches db" db three arp=1 spa=0.0.0.0 tpa=10.3.0.2
	check_frame "$1: of a VLAN's machine, front" front one arp=1 spa=0.0.0.0 tpa=10.1.0.2
}

for name in front back db one; do
	serve "$name" 80
	watch_frames "$name"
done
serve front 22
check "without a policy all VLANs work" gets one 10.1.0.2 80
check "the other one too" gets two 10.2.0.2 80
write_policy "{interface: trunk, mac: \"$three\"}" >"$scratch/trunk.yaml"
check "the trunk is attached" epgctl attach trunk
check "the policy is applied" epgctl apply -f "$scratch/trunk.yaml"

for family in 4 6; do
	front_address=10.1.0.2 db_address=10.3.0.2 one_address=10.1.0.21
	((family == 4)) || front_address=fd00:1::2 db_address=fd00:3::2 one_address=fd00:1::21
	check "IPv$family: a machine of the VLAN gets front's page" gets one $front_address 80
	patience=0.7 check_not "but not front's login" gets one $front_address 22
	check "front gets the machine's page" gets front $one_address 80
	check "the administrator's machine in the same VLAN gets the login" gets admin $front_address 22
	patience=0.7 check_not "but not the page" gets admin $front_address 80
	check "the station that sends without tag gets db's page" gets three $db_address 80
	patience=0.7 check_not "another one without tag does not" gets four $db_address 80
done
check_same "endpoints are told by interface, VLAN and MAC address" \
	"$(printf 'trunk/%s\n' "$three" 120 "120/$admin" | sort | xargs)" \
	"$(json '.endpoints[].interface | select(startswith("trunk/"))' endpoint ls | sort | xargs)"
check "explain knows them" epgctl explain -s trunk/120 -d 10.1.0.2 tcp/80
check_exit "by their groups" 1 "" epgctl explain -s "trunk/120/$admin" -d 10.1.0.2 tcp/80

to_front=(dst=10.1.0.2 dmac="$front")
check_frame "a datagram of the VLAN" front one src=10.1.0.21 "${to_front[@]}"
check_drop spoofed-address "with front's address" front one src=10.1.0.2 "${to_front[@]}"
check_drop spoofed-address "with the administrator's address" front one src=10.1.0.22 "${to_front[@]}"
check_drop spoofed-address "with the administrator's MAC address" front one src=10.1.0.21 smac="$admin" "${to_front[@]}"
check_drop spoofed-address "the administrator with the machine's address" front admin src=10.1.0.21 "${to_front[@]}"
check_drop spoofed-address "ARP for front's address" front one arp=2 spa=10.1.0.2 tpa=10.1.0.21
check_drop outside-subnet "with an address of another VLAN" front one src=10.2.0.21 "${to_front[@]}"
before=$(dropped vlan)
frame five unknown arp=1 spa=10.1.0.25 tpa=10.1.0.2
settle
check "of a VLAN that nobody was given: dropped as vlan" test "$(dropped vlan)" -gt "$before" # others are of such, too
before=$(dropped quarantine)
frame four quarantined src=10.3.0.22 dst=10.3.0.2 dmac="$db"
settle
check_same "without tag, of a MAC address that nobody was given: does not arrive" 0 "$(arrivals db quarantined)"
check "and is dropped as quarantine" test "$(dropped quarantine)" -gt "$before"
for number in $(seq 100 159); do
	frame one many "src=10.1.0.$number" "smac=02:00:00:00:00:$(printf %02x "$number")" "${to_front[@]}"
done
settle
check_same "sixty more machines of the VLAN all get through" 60 "$(arrivals front many)"
check_drop spoofed-address "a learned address is not front's to take" one front src=10.1.0.100 dst=10.1.0.21 \
	dmac="$(mac_of one)"

# By command, as a CNI plugin or an administrator would.
patience=0.7 check_not "a VLAN that no group has gets nothing" gets two 10.2.0.2 80
check "it is given to a group" epgctl endpoint add trunk/130 --group dc/all/manual
forget_neighbors two
check "its machines get back's page" gets two 10.2.0.2 80
check "over IPv6" gets two fd00:2::2 80
check "an apply leaves it alone" epgctl apply -f "$scratch/trunk.yaml"
check "they still do" gets two 10.2.0.2 80
check "it is taken away" epgctl endpoint rm trunk/130
patience=0.7 check_not "they no longer do" gets two 10.2.0.2 80
check "a station of it is given to the group, by its MAC address" epgctl endpoint add "trunk/130/$(mac_of two)" \
	--group dc/all/manual --ip 10.2.0.21 --ip fd00:2::21
check_stations_found "the trunk is nobody's"

# The same station by its MAC address alone, behind whichever uplink; others behind it are the outside.
check "the trunk is made an uplink" epgctl endpoint add trunk --group dc/lan
write_policy "{mac: \"$three\", ips: [10.3.0.21, \"fd00:3::21\"]}" >"$scratch/mac.yaml"
check "the station is told by its MAC address alone" epgctl apply -f "$scratch/mac.yaml"
check "it gets db's page" gets three 10.3.0.2 80
check "over IPv6" gets three fd00:3::2 80
check_stations_found "the trunk is an uplink"
patience=0.7 check_not "another machine, now the outside, does not" gets four 10.3.0.2 80
check_drop spoofed-address "nor with the station's address" db four src=10.3.0.21 dst=10.3.0.2 dmac="$db"
check_drop spoofed-address "nor with the station's MAC address and its own" db four src=10.3.0.22 smac="$three" \
	dst=10.3.0.2 dmac="$db"
before=$(dropped vlan)
frame five passes arp=1 spa=10.1.0.25 tpa=10.1.0.2
settle
check_same "of a VLAN that nobody was given, an uplink drops nothing: it is the host's own" "$before" "$(dropped vlan)"
write_policy "{interface: nothing, vlan: 77}" >"$scratch/gone.yaml"
check "a policy without the station" epgctl apply -f "$scratch/gone.yaml"
patience=0.7 check_not "it gets nothing" gets three 10.3.0.2 80
check "the VLAN's machines still do" gets one 10.1.0.2 80
finish
