#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# forwarding: direct beside the host's translation of addresses: what the host has to translate goes by the host, on
# both ways; flows between the same containers that it does not translate go past it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

command -v nft >/dev/null || skip_all "no nft here (tools/setup installs it)"
vip4=192.0.2.1 vip6=2001:db8::1

# policy FORWARDING: back, in another bridge domain than front, and db, in the same one, may ask front at its own ports
# and the host at its published ones.
policy()
{
	cat <<-YAML
		version: 1
		tenants:
		- name: nat
		  vrfs: [{name: prod}]
		  bridgeDomains:
		  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24, "fd00:1::1/64"], forwarding: $1}
		  - {name: bd2, vrf: prod, subnets: [10.2.0.1/24, "fd00:2::1/64"], forwarding: $1}
		  filters:
		  - name: own
		    entries: [{name: tcp, etherT: ip, prot: tcp, dPort: 7001}, {name: udp, etherT: ip, prot: udp, dPort: 7002}]
		  - name: published
		    entries: [{name: tcp, etherT: ip, prot: tcp, dPort: 8001}, {name: udp, etherT: ip, prot: udp, dPort: 8002}]
		  contracts:
		  - {name: own, subjects: [{name: s, filters: [own]}]}
		  - {name: published, subjects: [{name: s, filters: [published]}]}
		  appProfiles:
		  - name: store
		    epgs:
		    - {name: front, bridgeDomain: bd1, provide: [own],
		       endpoints: [{interface: shop-front, ips: [10.1.0.2, "fd00:1::2"]}]}
		    - {name: back, bridgeDomain: bd2, consume: [own, published],
		       endpoints: [{interface: shop-back, ips: [10.2.0.3, "fd00:2::3"]}]}
		    - {name: db, bridgeDomain: bd1, consume: [own, published],
		       endpoints: [{interface: shop-db, ips: [10.1.0.4, "fd00:1::4"]}]}
		  externalEpgs:
		  - {name: host, vrf: prod, subnets: [$vip4/32, "$vip6/128"], provide: [published]}
	YAML
}

# use FORWARDING: makes it the running policy.
use()
{
	policy "$1" >"$scratch/policy.yaml"
	epgctl -q apply -f "$scratch/policy.yaml"
}

# handed_over: packets that the host has handed over to front and to the client $1.
handed_over()
{
	in_host ip -j -s link show | jq "[.[] | select(.ifname == \"shop-front\" or .ifname == \"shop-$1\") |
		.stats64.tx.packets] | add"
}

# ask_often CLIENT PROTOCOL ADDRESS PORT: a conversation of 200 lines; `by_host` is what the host handed over of it.
lines=200
ask_often()
{
	local before after

	before=$(handed_over "$1")
	answered=$(for ((i = 0; i < lines; i++)); do echo "line $i"; done |
		inside "$1" timeout 20 "$PROBE" talk "$2" "$3" "$4" 2>/dev/null | grep -c answered) || true
	after=$(handed_over "$1")
	by_host=$((after - before))
}

# Each line and each answer is a packet at least.
check_by_host()
{
	ask_often "${@:2}"
	check_same "$1: all lines are answered" "$lines" "$answered"
	check "by the host (it handed over $by_host)" test "$by_host" -ge $((2 * lines))
}

check_direct()
{
	ask_often "${@:2}"
	check_same "$1: all lines are answered" "$lines" "$answered"
	check "past the host (it handed over $by_host)" test "$by_host" -lt "$lines"
}

make_host
make_bridge br1 2
route_between
make_container front 2
make_container db 4
plug_container back shop-back br1 2 3
in_host ip addr add "$vip4/32" dev lo
in_host ip addr add "$vip6/128" dev lo nodad
in_host nft -f - <<NFT
table inet nat {
	chain prerouting {
		type nat hook prerouting priority dstnat
		ip daddr $vip4 tcp dport 8001 dnat ip to 10.1.0.2:7001
		ip daddr $vip4 udp dport 8002 dnat ip to 10.1.0.2:7002
		ip6 daddr $vip6 tcp dport 8001 dnat ip6 to [fd00:1::2]:7001
		ip6 daddr $vip6 udp dport 8002 dnat ip6 to [fd00:1::2]:7002
	}
}
NFT
# Within one bridge answers must come back by the host, too, as they do where bridges ask the packet filter.
in_host sysctl -q -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.br0.send_redirects=0
inside front ip route add 10.1.0.4/32 via 10.1.0.1
inside front ip -6 route add fd00:1::4/128 via fd00:1::1
echo_server front tcp 7001
echo_server front udp 7002

for forwarding in stack direct; do
	check "forwarding: $forwarding" use "$forwarding"
	for client in back db; do
		for protocol in tcp udp; do
			own=7001 published=8001
			[[ $protocol == tcp ]] || own=7002 published=8002
			# First: so the programs know the host's addresses, by which packets are routed.
			if [[ $forwarding == direct ]]; then
				check_direct "$client asks front's own $protocol port" "$client" "$protocol" 10.1.0.2 $own
				check_direct "over IPv6" "$client" "$protocol" fd00:1::2 $own
			fi
			check_by_host "$client asks the published $protocol port" "$client" "$protocol" "$vip4" $published
			check_by_host "over IPv6" "$client" "$protocol" "$vip6" $published
		done
	done
done

check "front is published no more" in_host nft delete table inet nat
patience=0.7 check_not "nobody answers at the host's port" talks back tcp "$vip4" 8001
check_direct "front's own port is not concerned" back tcp 10.1.0.2 7001
check_same "the host's translation has cost no packet" 0 \
	"$(json '[.drops[] | select(.source == "nat/store/front" or .destination == "nat/store/front") | .packets] |
		add // 0' drops)"
finish
