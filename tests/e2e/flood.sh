#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Floods of one container: what nobody permits is denied and counted to the last frame, also while the policy changes;
# what is not an established flow's own is found among its frames; and who fills the table with flows to itself takes no
# places of others' flows.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/frames.sh"

front=02:00:0a:01:00:02 back=02:00:0a:01:00:03 db=02:00:0a:01:00:04
flows=256 flood=20000 own=600

# counted REASON: frames dropped for it.
counted()
{
	json "[.drops[] | select(.reason == \"$1\") | .packets] | add // 0" drops
}

# how_many OPTION...: tracked flows that these choose.
how_many()
{
	json '.flows | length' flow ls "$@"
}

# lost: frames that the kernel has dropped before any hook, since it has had too many at once.
lost()
{
	local line sum=0

	while read -r -a line; do
		sum=$((sum + 16#${line[1]}))
	done </proc/net/softnet_stat
	echo "$sum"
}

make_shop
epgctl -q load --flows $flows
for name in front back db; do
	inside "$name" sysctl -q -w net.ipv6.conf.eth0.router_solicitations=0
	watch_frames "$name"
done
apply_pair "subjects: [{name: s, filters: [datagrams, stream]}, {name: no, filters: [{name: more, action: deny}]}]"

# ---- what nobody permits ----

for family in 4 6; do
	[[ $family == 4 ]] && to=(src=10.1.0.2 dst=10.1.0.3) || to=(src=fd00:1::2 dst=fd00:1::3)
	for case in "implicit-deny dport=9" "implicit-deny protocol=tcp dport=9 flags=S" "denied dport=7003"; do
		read -r -a words <<<"$case"
		before=$(($(counted "${words[0]}") + $(lost)))
		frame front flood count=$flood "${to[@]}" "dmac=$back" "${words[@]:1}"
		settle
		check_same "$flood frames of IPv$family, ${words[*]:1}: each is counted as ${words[0]}" "$flood" \
			$(($(counted "${words[0]}") + $(lost) - before))
		check_same "and none arrives" 0 "$(arrivals back flood)"
	done
done

# The policy changes while they come: those before it are counted as denied, those behind it arrive.
before=$(counted implicit-deny)
start_inside front "$PROBE" frame eth0 token=change src=10.1.0.2 dst=10.1.0.3 "dmac=$back" dport=9 count=4000 gap=500
sender=$child
sleep 0.5
sed 's/prot: udp, dPort: 7002}/prot: udp, dPort: 1-7002}/' "$scratch/pair.yaml" >"$scratch/open.yaml"
epgctl -q apply -f "$scratch/open.yaml"
sleep 0.5
epgctl -q apply -f "$scratch/pair.yaml"
wait "$sender"
settle
arrived=$(arrivals back change) denied=$(($(counted implicit-deny) - before))
check "while a policy permits them they arrive ($arrived)" test "$arrived" -gt 0
check "before and after they don't ($denied)" test "$denied" -gt 0
check_same "each is either denied or arrives" 4000 $((arrived + denied))

# ---- what is beside an established flow ----

flow=(src=10.1.0.2 dst=10.1.0.3 "dmac=$back" sport=41000 dport=7002)
answer=(src=10.1.0.3 dst=10.1.0.2 "dmac=$front" sport=7002 dport=41000)
check_frame "front asks" back front "${flow[@]}"
check_frame "back answers" front back "${answer[@]}"
# beside REASON WHAT FROM KEY=VALUE...: among the flow's own frames one that is not.
beside()
{
	local reason=$1 what=$2 from=$3 before number=$count

	shift 3
	frame front "own$number" "${flow[@]}" count=2000 gap=50 &
	sender=$!
	sleep 0.05
	before=$(counted "$reason")
	frame "$from" "beside$number" "$@" count=100 gap=100
	wait "$sender"
	settle
	check_same "$what: each is $reason" 100 $(($(counted "$reason") - before))
	check_same "and none arrives" 0 "$(arrivals back "beside$number")"
	check_same "the flow's own do" 2000 "$(arrivals back "own$number")"
}
beside spoofed-mac "with another MAC address" front "${flow[@]}" "smac=$db"
beside spoofed-address "from another interface" db "${flow[@]}"
beside vlan "with a VLAN tag" front "${flow[@]}" vlan=120
beside malformed "longer than they are" front "${flow[@]}" cut=40
beside implicit-deny "to another port" front "${flow[@]}" dport=9
beside misdirected "led to another container" front "${flow[@]}" "dmac=$db"

# ---- flows of its own ----

check "all flows are forgotten" epgctl -q flow flush --all
echo_server back tcp 7001
check_open "front talks to back" front tcp 10.1.0.3 7001
check_same "and gets answers" "answered answered" "$(say_line one) $(say_line two)"
# Each is answered at once: both ends of all these are db's.
itself=(src=10.1.0.4 dst=10.1.0.4 dmac=02:00:0a:01:00:ee protocol=tcp)
for ((port = 1000; port < 1000 + own; port++)); do
	frame db itself "${itself[@]}" flags=S sport=$port dport=9
	frame db itself "${itself[@]}" flags=SA sport=9 dport=$port
done
settle
check "db has filled the table with flows of its own ($(how_many))" test "$(how_many)" -gt $((flows * 9 / 10))
check_same "none of them is established" 1 "$(how_many --state established)"
check_same "the flow of others goes on" answered "$(say_line three)"
finish
