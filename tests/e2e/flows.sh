#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Tracked flows: who sees and forgets them, how long they last, and that those in use outlast a flood of new ones that
# fills the table several times. With EPG_LONG=1 the flood is one of two million flows in a minute, and the table is the
# default one.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/frames.sh"

front=02:00:0a:01:00:02 back=02:00:0a:01:00:03 sink=02:00:0a:01:00:05
flows=16384 flood=130000 tick=50
if [[ ${EPG_LONG:-0} == 1 ]]; then
	flows=262144 flood=2000000 tick=500
fi
rate=33333

# how_many OPTION...: tracked flows that these choose.
how_many()
{
	json '.flows | length' flow ls "$@"
}

created()
{
	json '.stats."flows-created"' status
}

# there: a datagram of front's; and the answer to it. By hand, so that nobody answers by itself.
there()
{
	frame front there src=10.1.0.2 dst=10.1.0.3 dmac=$back sport=41000 dport=7003
}

answer=(src=10.1.0.3 dst=10.1.0.2 "dmac=$front" sport=7003 dport=41000)

make_shop
make_container sink 5
pair_policy "subjects: [{name: s, filters: [stream, datagrams, more, flood, ping]}]" |
	sed 's/^  contracts:/  - {name: flood, entries: [{name: flood, etherT: ip, prot: udp, dPort: 20000-20099}]}\n&/
		s/endpoints: \[{interface: shop-back, /endpoints: [{interface: shop-sink, ips: [10.1.0.5]}, {interface: shop-back, /
		' >"$scratch/pair.yaml"
start_inside back "$PROBE" receive 7003 600000 >/dev/null # or ICMP errors answer
wait_for 5 listens back u 7003
echo_server back tcp 7001
echo_server back udp 7002
watch_frames front
check "loaded with timeouts" epgctl load --flows "$flows" --timeout established=2s --timeout new=1s
check "the policy is applied" epgctl apply -f "$scratch/pair.yaml"
epgctl -q attach shop-sink

# ---- ls ----
check_same "at first there are none" 0 "$(how_many)"
check_open "front talks to back, TCP" front tcp 10.1.0.3 7001
check_same "which answers" answered "$(say_line hello)"
check "UDP over IPv6" talks front udp fd00:1::3 7002
there
for question in "tcp 1 --proto tcp" "udp 2 --proto udp" "port 1 --port 7002" "source_port 1 --port 41000" \
	"address 2 --address 10.1.0.3" "prefix 1 --address fd00:1::/64" "interface 3 --interface shop-front" \
	"other 0 --interface shop-db" "group 3 --group shop/store/back" "new 1 --state new" \
	"established 2 --state established" "both 1 --proto udp --state established" "revoked 0 --revoked"; do
	read -r -a words <<<"$question"
	check_same "flow ls ${words[*]:2}" "${words[1]}" "$(how_many "${words[@]:2}")"
done
check_same "a flow is told with its ends, who opened it first" "shop-front shop/store/front shop-back 7001 shop/talk" \
	"$(json '.flows[] | "\(.source.interface) \(.source.group) \(.destination.interface) \(.destination.port)
		\(.rule.contract)"' flow ls --proto tcp | xargs)"
check_not "an unknown interface is an error" epgctl flow ls --interface nothing
check_not "an unknown group" epgctl flow ls --group shop/store/nothing
check_not "what is no address" epgctl flow ls --address 10.1.0.300
check_not "what is no state" epgctl flow ls --state old

# ---- timeouts ----
there
check_frame "the answer passes" front back "${answer[@]}"
sleep 3
check_same "after two silent seconds it is forgotten" 0 "$(how_many --proto udp)"
check_same "TCP is not" 1 "$(how_many --proto tcp --state established)"
check_drop implicit-deny "a late answer" front back "${answer[@]}"
check "longer timeouts, while it runs" epgctl load --timeout established=60s
there
check_frame "the answer passes" front back "${answer[@]}"
sleep 3
check_frame "a late one too" front back "${answer[@]}"

# ---- flush ----
check_not "flush needs to be told which" epgctl flow flush
check_same "flush forgets those that are chosen" 1 "$(json .flushed flow flush --proto udp --port 41000)"
check_drop implicit-deny "what was an answer is none now" front back "${answer[@]}"
check_same "the others are untouched" 1 "$(how_many --proto tcp)"
check_same "all are forgotten" 0 "$(epgctl -q flow flush --all && how_many)"
check_same "a connection goes on with the next word of who opened it" answered "$(say_line again)"

# ---- what the policy has cut ----
pair_policy "subjects: [{name: s, filters: [datagrams]}]" >"$scratch/closed.yaml"
check "a policy without TCP" epgctl apply -f "$scratch/closed.yaml"
check_same "the connection is cut" silence "$(say_line cut)"
check_same "and told as such" 1 "$(how_many --revoked)"
check "the policy is back" epgctl rollback
check "so is the connection" answers_again
check_same "none is cut" 0 "$(how_many --revoked)"

# ---- a flood ----
inside sink ip addr flush dev eth0 scope global # its kernel drops what comes at once
start_inside back "$PROBE" tick 7002 "$tick" >/dev/null
wait_for 5 listens back t 7002
pair=$(<"$scratch/pair.yaml")
echo "${pair/prot: tcp, dPort: 7001\}/prot: tcp, dPort: 7001-7002\}}" >"$scratch/crowd.yaml"
check "a port for the crowd" epgctl apply -f "$scratch/crowd.yaml"
start_inside front "$PROBE" crowd 10.1.0.3 7002 200 $((flood * 1000 / rate + 4000)) >"$scratch/crowd"
crowd=$child
wait_for 10 grep -q connected "$scratch/crowd"
before=$(created)
frame front flood src=10.1.0.2 dst=10.1.0.5 dmac=$sink dport=20000 size=18 "vary=$flood" "rate=$rate" >"$scratch/flood"
wait "$crowd"
silence=$(grep -o '[0-9]* ms' "$scratch/crowd" | cut -d' ' -f1)
echo "# the flood: $(<"$scratch/flood"); 200 connections: $(tail -n 1 "$scratch/crowd")"
check "$flood new flows have gone through a table for $flows" test $(($(created) - before)) -ge "$flood"
check "200 connections in use go on: none is silent for longer than $((40 * tick)) ms" test "$silence" -lt \
	$((40 * tick))
check_same "a connection that was idle goes on" answered "$(say_line idle)"
finish
