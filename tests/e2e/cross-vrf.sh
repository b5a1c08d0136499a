#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Groups of different VRFs talk by contracts of a scope that reaches so far, and in no other way.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# policy SCOPE [SUBNET]: web in VRF a consumes what api in VRF b provides; SUBNET is b's.
policy()
{
	cat <<-YAML
		version: 1
		tenants:
		- name: shop
		  vrfs: [{name: a}, {name: b}]
		  bridgeDomains:
		  - {name: bda, vrf: a, subnets: [10.1.0.1/24, "fd00:1::1/64"]}
		  - {name: bdb, vrf: b, subnets: [${2:-10.2.0.1/24}, "fd00:2::1/64"]}
		  filters:
		  - name: call
		    entries:
		    - {name: tcp, etherT: ip, prot: tcp, dPort: 80}
		    - {name: udp, etherT: ip, prot: udp, dPort: 7002}
		    - {name: ping4, etherT: ipv4, prot: icmp, icmpType: echo-request}
		    - {name: ping6, etherT: ipv6, prot: icmpv6, icmpType: echo-request}
		  contracts:
		  - {name: call, scope: $1, subjects: [{name: calls, filters: [call]}]}
		  appProfiles:
		  - name: store
		    epgs:
		    - {name: web, bridgeDomain: bda, consume: [call], endpoints: [{interface: a-web}]}
		    - {name: other, bridgeDomain: bda, endpoints: [{interface: a-other, ips: [10.1.0.3, "fd00:1::3"]}]}
		    - {name: api, bridgeDomain: bdb, provide: [call], endpoints: [{interface: b-api}]}
		    - {name: rest, bridgeDomain: bdb, endpoints: [{interface: b-rest, ips: [10.2.0.3, "fd00:2::3"]}]}
	YAML
}

apply()
{
	policy "$@" >"$scratch/vrf.yaml"
	epgctl -q apply -f "$scratch/vrf.yaml"
}

add_namespace "$host"
make_bridge br-a 1
make_bridge br-b 2
route_between
plug_container web a-web br-a 1 2
plug_container other a-other br-a 1 3
plug_container api b-api br-b 2 2
plug_container rest b-rest br-b 2 3
echo_server api tcp 80
echo_server api udp 7002
echo_server api tcp 22
echo_server rest tcp 80
echo_server web tcp 80

check "a contract of scope tenant" apply tenant
# Endpoints without declared addresses: they are known once they have sent something.
pings api 10.2.0.1 || true
pings api fd00:2::1 || true
for api in 10.2.0.2 fd00:2::2; do
	check "web calls $api in the other VRF" talks web tcp "$api" 80
	check "by UDP" talks web udp "$api" 7002
	check "pings it" pings web "$api"
	check_not "its other ports are closed" talks web tcp "$api" 22
	check_not "a group without the contract does not reach it" talks other tcp "$api" 80
done
check_not "web does not reach other groups there" talks web tcp 10.2.0.3 80
check_not "the provider opens nothing to the consumer" talks api tcp 10.1.0.2 80
check_not "nor by IPv6" talks api tcp fd00:1::2 80
check_same "explain names both groups" "permit shop/store/web shop/store/api 7" \
	"$(json '[.verdict, .source.group, .destination.group, .level] | join(" ")' explain -s a-web -d 10.2.0.2 tcp/80)"

check "the reply passes, says explain" epgctl explain -s a-web -d 10.2.0.2 tcp/80 --reply
check "scope global reaches, too" apply global
check "web calls api" talks web tcp 10.2.0.2 80
check "scope vrf does not reach" apply vrf
check_not "web does not call api" talks web tcp 10.2.0.2 80
check_not "nor by IPv6" talks web tcp fd00:2::2 80

check "web calls api again" apply tenant
check_exit "subnets of VRFs that meet may not overlap" 3 "10\.1\.0\." apply tenant 10.1.0.129/25
check "the policy before stays in force" talks web tcp 10.2.0.2 80
finish
