#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The outside: external groups by longest prefix, behind an uplink.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_shop
# One machine of the outside with three addresses, on a link of the host's own: the host routes.
add_namespace "$run-outside"
in_host ip link add uplink type veth peer name eth0 netns "$run-outside"
in_host ip addr add 192.0.2.1/24 dev uplink
in_host ip addr add 2001:db8::1/64 dev uplink nodad
in_host ip link set uplink up
in_host sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
inside outside ip addr add 192.0.2.10/24 dev eth0
inside outside ip addr add 192.0.2.200/24 dev eth0
inside outside ip addr add 2001:db8::10/64 dev eth0 nodad
inside outside ip link set eth0 up
inside outside ip route add default via 192.0.2.1
inside outside ip -6 route add default via 2001:db8::1

cat >"$scratch/external.yaml" <<'YAML'
version: 1
tenants:
- name: shop
  vrfs: [{name: prod}]
  bridgeDomains:
  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24, "fd00:1::1/64"]}
  filters:
  - name: http
    entries:
    - {name: web, etherT: ip, prot: tcp, dPort: 80}
  contracts:
  - name: web
    subjects:
    - {name: pages, filters: [http]}
  - name: updates
    subjects:
    - {name: pages, filters: [http]}
  appProfiles:
  - name: store
    epgs:
    - name: front
      bridgeDomain: bd1
      provide: [web]
      endpoints:
      - {interface: shop-front, ips: [10.1.0.2, "fd00:1::2"]}
    - name: back
      bridgeDomain: bd1
      consume: [updates]
      endpoints:
      - {interface: shop-back, ips: [10.1.0.3, "fd00:1::3"]}
  externalEpgs:
  - name: internet
    vrf: prod
    subnets: [0.0.0.0/0, "::/0"]
    consume: [web]
  - name: mirror
    vrf: prod
    subnets: [192.0.2.128/25]
    provide: [updates]
YAML
serve front 80
serve back 80
serve outside 80
check "the policy is applied" epgctl apply -f "$scratch/external.yaml"
check "the uplink is bound to the outside" epgctl endpoint add uplink --group shop/internet
check "the internet gets the front's page" gets outside 10.1.0.2 80
check "over IPv6 too" gets outside fd00:1::2 80
check_not "but not the back's" gets outside 10.1.0.3 80
check "back gets its updates from the mirror" gets back 192.0.2.200 80
check_not "but not from elsewhere" gets back 192.0.2.10 80
check_not "the front, a provider, opens nothing to the outside" gets front 192.0.2.10 80

# The outside in a VRF of its own, as a service for others, with a taboo.
sed 's/vrfs: \[{name: prod}\]/vrfs: [{name: prod}, {name: out}]/
	/externalEpgs:/,$ s/vrf: prod/vrf: out/
	s/^  - name: \(web\|updates\)$/&\n    scope: tenant/
	s/^    provide: \[updates\]$/&\n    taboos: [no-ssh]/
	s/{name: web, etherT: ip, prot: tcp, dPort: 80}/{name: web, etherT: ip, prot: tcp}/
	s/^  appProfiles:/  taboos:\n  - {name: no-ssh, filters: [ssh]}\n&/
	s/^  contracts:/  - {name: ssh, entries: [{name: login, etherT: ip, prot: tcp, dPort: 22}]}\n&/' \
	"$scratch/external.yaml" >"$scratch/vrfs.yaml"
serve outside 22
check "the same with the outside in another VRF" epgctl apply -f "$scratch/vrfs.yaml"
check "the internet gets the front's page" gets outside 10.1.0.2 80
check "over IPv6 too" gets outside fd00:1::2 80
check_not "but not the back's" gets outside 10.1.0.3 80
check "back gets its updates from the mirror" gets back 192.0.2.200 80
check_not "but not from elsewhere" gets back 192.0.2.10 80
check_not "what a taboo of the mirror denies does not pass" gets back 192.0.2.200 22
check "back to one VRF" epgctl rollback

inside outside ip addr add 10.1.0.3/32 dev eth0
inside outside ip route replace 10.1.0.2/32 via 192.0.2.1 src 10.1.0.3
check_not "an endpoint's address from outside is spoofed" gets outside 10.1.0.2 80
finish
