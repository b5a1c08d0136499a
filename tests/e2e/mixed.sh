#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One host that bridges and routes at once: two containers on one bridge, one on another, one on a veth of its own with
# a /32 and a /128. Each pair has a contract of its own; each packet is decided once, whichever way it goes.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

names=(one two three alone)
declare -A address4=([one]=10.1.0.2 [two]=10.1.0.3 [three]=10.2.0.2 [alone]=10.3.0.2)
declare -A address6=([one]=fd00:1::2 [two]=fd00:1::3 [three]=fd00:2::2 [alone]=fd00:3::2)

# A veth of its own: the host knows the way to each address, the container a gateway that is no endpoint's.
plug_alone()
{
	add_namespace "$run-alone"
	in_host ip link add mix-alone type veth peer name eth0 netns "$run-alone"
	in_host ip addr add 169.254.1.1/32 dev mix-alone
	in_host ip link set mix-alone up
	in_host ip addr add fe80::1/64 dev mix-alone nodad
	in_host ip route add 10.3.0.2/32 dev mix-alone
	in_host ip -6 route add fd00:3::2/128 dev mix-alone
	inside alone ip addr add 10.3.0.2/32 dev eth0
	inside alone ip addr add fd00:3::2/128 dev eth0 nodad
	inside alone ip link set eth0 up
	inside alone ip route add 169.254.1.1/32 dev eth0
	inside alone ip route add default via 169.254.1.1
	inside alone ip -6 route add default via fe80::1 dev eth0
}

# The policy: a contract A-B for each pair, UDP port 7002 from A to B, and pings.
write_policy()
{
	local from to consumes provides

	cat <<-'YAML'
		version: 1
		tenants:
		- name: mix
		  vrfs: [{name: prod}]
		  bridgeDomains:
		  - {name: bd, vrf: prod, subnets: [10.1.0.1/24, "fd00:1::1/64", 10.2.0.1/24, "fd00:2::1/64",
		      10.3.0.2/32, "fd00:3::2/128"]}
		  filters:
		  - {name: datagrams, entries: [{name: datagrams, etherT: ip, prot: udp, dPort: 7002}]}
		  contracts:
	YAML
	for from in "${names[@]}"; do
		for to in "${names[@]}"; do
			[[ $from != "$to" ]] || continue
			echo "  - {name: $from-$to, subjects: [{name: s, filters: [datagrams]}]}"
		done
	done
	echo "  appProfiles:"
	echo "  - name: all"
	echo "    epgs:"
	for from in "${names[@]}"; do
		consumes='' provides=''
		for to in "${names[@]}"; do
			[[ $from == "$to" ]] || consumes+="$from-$to, " provides+="$to-$from, "
		done
		[[ $from != "$1" ]] || consumes=''
		echo "    - {name: $from, bridgeDomain: bd, consume: [${consumes%, }], provide: [${provides%, }]," \
			"endpoints: [{interface: mix-$from, ips: [${address4[$from]}, \"${address6[$from]}\"]}]}"
	done
}

# counters: of all contracts, "name packets" a line, those that are not 0.
counters()
{
	json '.contracts[] | select(.packets > 0) | "\(.name) \(.packets)"' contract ls | sed 's/^mix.//' | sort
}

# send_all PACKETS ADDRESSES: from everybody to everybody, and tells what has arrived: "three 60" a line.
send_all()
{
	local from to pids=()
	declare -n addresses=$2

	for to in "${names[@]}"; do
		start_inside "$to" "$PROBE" receive 7002 800 >"$scratch/received-$to"
		pids+=("$child")
		wait_for 5 listens "$to" u 7002
	done
	for from in "${names[@]}"; do
		for to in "${names[@]}"; do
			[[ $from == "$to" ]] || inside "$from" "$PROBE" send "${addresses[$to]}" 7002 "$1" >/dev/null
		done
	done
	wait "${pids[@]}"
	for to in "${names[@]}"; do
		echo "$to $(cut -d' ' -f2 "$scratch/received-$to")"
	done
}

# expected_counters PACKETS [SILENT]
expected_counters()
{
	local from to

	for from in "${names[@]}"; do
		for to in "${names[@]}"; do
			[[ $from == "$to" || $from == "${2:-}" ]] || echo "$from-$to $1"
		done
	done | sort
}

make_host
make_bridge br1 2
route_between
plug_container one mix-one br0 1 2
plug_container two mix-two br0 1 3
plug_container three mix-three br1 2 2
plug_alone
write_policy nobody >"$scratch/mixed.yaml"
check "the policy is applied" epgctl apply -f "$scratch/mixed.yaml"

check_same "IPv4: all of everybody's datagrams arrive" "one 60 two 60 three 60 alone 60" \
	"$(send_all 20 address4 | xargs)"
check_same "each is counted once, by the contract of its pair" "$(expected_counters 20)" "$(counters)"
check_same "IPv6: all arrive" "one 60 two 60 three 60 alone 60" "$(send_all 20 address6 | xargs)"
check_same "each is counted once" "$(expected_counters 40)" "$(counters)"
check_same "nothing is dropped but what nobody needs" 0 \
	"$(json '[.drops[] | select(.source != "" and .destination != "") | .packets] | add // 0' drops)"

# The one that is routed may no longer send; then one that is bridged and routed.
for silent in alone one; do
	before=$(counters)
	write_policy "$silent" >"$scratch/silent.yaml"
	epgctl -q apply -f "$scratch/silent.yaml"
	arrived=$(send_all 20 address4 | xargs)
	expected=
	for name in "${names[@]}"; do
		[[ $name == "$silent" ]] && expected+=" $name 60" || expected+=" $name 40"
	done
	check_same "without $silent's contracts nothing of it arrives, and the others' all does" "${expected# }" \
		"$arrived"
	check_same "what arrives is counted once" "$(expected_counters 60 "$silent" | wc -l)" \
		"$(comm -13 <(echo "$before") <(counters) | wc -l)"
done
finish
