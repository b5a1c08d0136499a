#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Programs of others on the same interface, before and after ours, by TCX and as filters of clsact: they see what their
# place lets them see, they go on working whatever we do, and no place lets a packet past our decision.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/frames.sh"
source "$here/others.sh"

permitted=(src=10.1.0.2 dst=10.1.0.3 dmac=02:00:0a:01:00:03 dport=7002 count=5)
denied=(src=10.1.0.2 dst=10.1.0.3 dmac=02:00:0a:01:00:03 dport=9 count=7)

# seen_of NAME in|out: what the program sees of five permitted frames and seven denied ones that front sends to back.
seen_of()
{
	local before

	before=$(counted_by "$1" "$2")
	frame front "seen-$count" "${permitted[@]}"
	frame front "seen-$count" "${denied[@]}"
	settle
	echo $(($(counted_by "$1" "$2") - before))
}

# check_seen WHAT NUMBER NAME in|out: that many; and the verdicts are what they are.
check_seen()
{
	check_same "$1" "$2 seen, 5 arrived" "$(seen_of "$3" "$4") seen, $(arrivals back "seen-$count") arrived"
}

make_host
make_container front 2
make_container back 3
for name in front back; do
	inside $name sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=1 # each frame is counted
done
start_inside back "$PROBE" receive 7002 60000 >/dev/null # or ICMP errors answer
wait_for 5 listens back u 7002
watch_frames back
for set in early late filter; do
	load_others $set
done

attach_tcx early count_in shop-front ingress first
early=$child
attach_clsact filter count_in host shop-front ingress
attach_clsact filter count_out host shop-back egress
frame front before "${permitted[@]}"
settle
check_same "without us both see everything" "5 5" "$(counted_by early in) $(counted_by filter in)"

pair_policy "subjects: [{name: s, filters: [datagrams]}]" >"$scratch/pair.yaml"
check "the policy is applied" epgctl apply -f "$scratch/pair.yaml"
check_seen "ours stands before one that was there already" 5 early in
check_seen "and before a filter" 5 filter in
check_seen "the filter at the receiver's egress sees what may pass" 5 filter out

check "detached" epgctl detach shop-front
check "attached after the other's program" epgctl attach shop-front --after "$(id_of early count_in)"
check_seen "the other sees what we drop, too" 12 early in
check_seen "the filter still does not" 5 filter in

check "detached" epgctl detach shop-front
check "attached before it" epgctl attach shop-front --before "$(id_of early count_in)"
check_seen "it sees only what may pass" 5 early in

attach_tcx late count_in shop-front ingress last
late=$child
check_seen "one that comes last later sees what may pass" 5 late in
stop "$late"
attach_tcx late count_in shop-front ingress first
check_seen "one that comes first later sees everything, and decides nothing" 12 late in

in_host tc qdisc del dev shop-front clsact
in_host tc qdisc del dev shop-back clsact
check_seen "with the filters gone ours still decide" 5 early in
check "detached" epgctl detach shop-front
frame front after "${denied[@]}"
before=$(counted_by early in)
frame front after "${denied[@]}"
settle
check_same "without ours the others go on" 7 $(($(counted_by early in) - before))
check_not "a program that does not exist is an error" epgctl attach shop-front --before 4294967295
stop "$early"
finish
