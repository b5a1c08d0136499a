#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# NAT by the host. A container's own hook sees what the container sends and gets: its own address always; the other
# side's as it is on the container's side of the NAT. So
# - masquerade: the container's hook sees container -> outside, the uplink only the host's address on both ways;
# - a published port: the uplink sees outside -> host, the container's hook outside -> container;
# - a published port used by a container: its own hook sees container -> host, the other one's hook container ->
#   container, or host -> container where the host masquerades as well. Each of both is decided.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# counted CONTRACT: packets that its rules have decided.
counted()
{
	json "[.contracts[] | select(.name == \"nat/$1\") | .packets] | add // 0" contract ls
}

# check_counts WHAT CONTRACT...: since the last time packets were decided by these contracts, and by no others.
declare -A last=()
check_counts()
{
	local what=$1 contract now moved=() expected=()

	shift
	for contract in updates publish indirect direct; do
		now=$(counted "$contract")
		((now == ${last[$contract]:-0})) || moved+=("$contract")
		last[$contract]=$now
		[[ " $* " != *" $contract "* ]] || expected+=("$contract")
	done
	check_same "$what" "${expected[*]}" "${moved[*]}"
}

make_host
make_bridge br1 2
route_between
plug_container front shop-front br0 1 2
plug_container back shop-back br1 2 3
plug_container db shop-db br1 2 4
add_namespace "$run-outside"
in_host ip link add uplink type veth peer name eth0 netns "$run-outside"
in_host ip addr add 192.0.2.1/24 dev uplink
in_host ip addr add 2001:db8::1/64 dev uplink nodad
in_host ip link set uplink up
inside outside ip addr add 192.0.2.10/24 dev eth0
inside outside ip addr add 2001:db8::10/64 dev eth0 nodad
inside outside ip link set eth0 up # no route to the containers: without NAT nothing comes back

cat >"$scratch/nat.yaml" <<'YAML'
version: 1
tenants:
- name: nat
  vrfs: [{name: prod}]
  bridgeDomains:
  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24, "fd00:1::1/64"]}
  - {name: bd2, vrf: prod, subnets: [10.2.0.1/24, "fd00:2::1/64"]}
  filters:
  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}
  - {name: published, entries: [{name: web, etherT: ip, prot: tcp, dPort: 8080}]}
  contracts:
  - {name: updates, subjects: [{name: s, filters: [http]}]}
  - {name: publish, subjects: [{name: s, filters: [http]}]}
  - {name: indirect, subjects: [{name: s, filters: [published]}]}
  - {name: direct, subjects: [{name: s, filters: [http]}]}
  appProfiles:
  - name: store
    epgs:
    - {name: front, bridgeDomain: bd1, provide: [publish, direct],
       endpoints: [{interface: shop-front, ips: [10.1.0.2, "fd00:1::2"]}]}
    - {name: back, bridgeDomain: bd2, consume: [updates, indirect, direct],
       endpoints: [{interface: shop-back, ips: [10.2.0.3, "fd00:2::3"]}]}
    - {name: db, bridgeDomain: bd2, consume: [indirect],
       endpoints: [{interface: shop-db, ips: [10.2.0.4, "fd00:2::4"]}]}
  externalEpgs:
  - {name: internet, vrf: prod, subnets: [0.0.0.0/0, "::/0"], consume: [publish], provide: [updates]}
  - {name: host, vrf: prod, subnets: [10.1.0.1/32, 10.2.0.1/32, 192.0.2.1/32, "fd00:1::1/128", "fd00:2::1/128",
      "2001:db8::1/128"], provide: [indirect]}
YAML
in_host nft -f - <<'NFT'
table inet nat {
	chain prerouting {
		type nat hook prerouting priority dstnat
		ip daddr 192.0.2.1 tcp dport 8080 dnat ip to 10.1.0.2:80
		ip6 daddr 2001:db8::1 tcp dport 8080 dnat ip6 to [fd00:1::2]:80
	}
	chain postrouting {
		type nat hook postrouting priority srcnat
		oifname uplink masquerade
	}
}
NFT
serve front 80
serve outside 80
check "without a policy NAT works" gets outside 192.0.2.1 8080
check "the policy is applied" epgctl apply -f "$scratch/nat.yaml"
check "the uplink is bound to the outside" epgctl endpoint add uplink --group nat/internet
check_counts "nothing is counted yet"

for host_address in 192.0.2.1 2001:db8::1; do
	outside=192.0.2.10
	[[ $host_address == *.* ]] || outside=2001:db8::10
	check "back gets its updates from $outside, masqueraded" gets back "$outside" 80
	check_counts "as back from the internet: the contract of these two" updates
	patience=0.7 check_not "front, masqueraded too, does not: it has no contract for that" gets front "$outside" 80
	patience=0.7 check_not "nor db" gets db "$outside" 80
	check_counts "and no contract lets a packet of them pass"

	check "the internet gets front's page at the host's published port" gets outside "$host_address" 8080
	check_counts "as the internet from front, at front's own port" publish

	check "back gets it there too" gets back "$host_address" 8080
	check_counts "as back from the host, then as back from front" indirect direct
	patience=0.7 check_not "db, with a contract with the host alone, does not" gets db "$host_address" 8080
	check_counts "it is stopped at front's hook" indirect
done

check "published for the host's other addresses, masqueraded" in_host nft \
	"add rule inet nat prerouting ip daddr 10.2.0.1 tcp dport 8080 dnat ip to 10.1.0.2:80;
	add rule inet nat postrouting oifname br0 ip daddr 10.1.0.2 tcp dport 80 masquerade"
patience=0.7 check_not "back's page is now asked for by the host, which has no contract with front" gets back \
	10.2.0.1 8080
check_counts "only back and the host have one" indirect
sed '/name: host,/,$ s/provide: \[indirect\]/provide: [indirect], consume: [publish]/' "$scratch/nat.yaml" \
	>"$scratch/host.yaml"
check "with a contract of the host" epgctl apply -f "$scratch/host.yaml"
check "it comes" gets back 10.2.0.1 8080
check_counts "as back from the host, then as the host from front" indirect publish
finish
