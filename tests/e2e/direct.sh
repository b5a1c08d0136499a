#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# forwarding: direct: established flows go past the host, and nothing else changes: what is permitted, counted, routed, and
# what others on the host must see.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

command -v tcpdump >/dev/null || skip_all "no tcpdump here (tools/setup installs it)"

# policy FORWARDING PROVIDERS: of both bridge domains; front consumes a contract that these provide, as YAML.
policy()
{
	cat <<-YAML
		version: 1
		tenants:
		- name: shop
		  vrfs: [{name: prod}]
		  bridgeDomains:
		  - {name: bd1, vrf: prod, subnets: [10.1.0.1/24, "fd00:1::1/64"], forwarding: $1}
		  - {name: bd2, vrf: prod, subnets: [10.2.0.1/24, "fd00:2::1/64"], forwarding: $1}
		  filters:
		  - name: talk
		    entries:
		    - {name: stream, etherT: ip, prot: tcp, dPort: 7001}
		    - {name: datagrams, etherT: ip, prot: udp, dPort: 7002}
		  contracts:
		  - {name: talk, subjects: [{name: talk, filters: [talk]}]}
		  appProfiles:
		  - name: store
		    epgs:
		    - {name: front, bridgeDomain: bd1, consume: [talk],
		       endpoints: [{interface: shop-front, ips: [10.1.0.2, "fd00:1::2"]}]}
		    - {name: back, bridgeDomain: bd1, $2
		       endpoints: [{interface: shop-back, ips: [10.1.0.3, "fd00:1::3"]}]}
		    - {name: db, bridgeDomain: bd1, endpoints: [{interface: shop-db, ips: [10.1.0.4, "fd00:1::4"]}]}
		    - {name: far, bridgeDomain: bd2, $2
		       endpoints: [{interface: shop-far, ips: [10.2.0.5, "fd00:2::5"]}]}
	YAML
}

# use FORWARDING [PROVIDERS]: makes it the running policy.
use()
{
	policy "$1" "${2-provide: [talk],}" >"$scratch/policy.yaml"
	epgctl -q apply -f "$scratch/policy.yaml"
}

# handed_over INTERFACE: packets that the host has handed over to its container.
handed_over()
{
	in_host ip -j -s link show dev "$1" | jq '.[0].stats64.tx.packets'
}

# forwarding INTERFACE: "direct", or "stack" and why.
forwarding()
{
	json ".endpoints[] | select(.interface == \"$1\") | .forwarding + \" \" + .forwardingReason" endpoint ls
}

rule_packets()
{
	json '[.contracts[].rules[] | select(.entry == "datagrams") | .packets] | add' contract ls
}

sent_by()
{
	json ".endpoints[] | select(.interface == \"$1\") | .packets" endpoint ls
}

# send_to CONTAINER ADDRESS COUNT [MICROSECONDS]: what front sends arrives, with such gaps; `by_host` is how much of it the
# host handed over.
send_to()
{
	local before

	start_inside "$1" "$PROBE" receive 7002 1500 >"$scratch/received"
	wait_for 5 listens "$1" u 7002
	before=$(handed_over "shop-$1")
	inside front "$PROBE" send "$2" 7002 "$3" ${4:+"$4"} >/dev/null
	wait "$child"
	by_host=$(($(handed_over "shop-$1") - before))
	received=$(<"$scratch/received")
}

# check_direct WHAT CONTAINER ADDRESS: the first packets, and some now and then, go by the host, few of the rest. What a CPU
# sends in the first jiffy in which it meets an endpoint goes by the host: one packet from each before all others. On a
# busy machine many are sent before the first has reached the receiver's hook.
check_direct()
{
	local cpu

	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		inside front taskset -c "$cpu" "$PROBE" send "$3" 7002 1 >/dev/null
	done
	sleep 0.1
	send_to "$2" "$3" 1000
	check_same "$1: all arrive" "received 1000 of 1000 repeated 0 late 0" "$received"
	check "and past the host (it handed over $by_host of 1000)" test $((by_host * 3)) -lt 1000
}

check_stack()
{
	send_to "$2" "$3" 1000 "${4:-0}"
	check_same "$1: all arrive" "received 1000 of 1000 repeated 0 late 0" "$received"
	check "by the host (it handed over $by_host)" test "$by_host" -ge 1000
}

# start_dump IN INTERFACE FILTER: tcpdump in a container, or on the host; stop_dump says how many frames it has seen.
start_dump()
{
	local enter=(in_host)

	[[ $1 == host ]] || enter=(inside "$1")
	rm -f "$scratch/tcpdump"
	background "${enter[@]}" tcpdump -Z root --immediate-mode -B 16384 -n -U -i "$2" -w "$scratch/frames" "$3" \
		2>"$scratch/tcpdump"
	dump=$child
	wait_for 5 grep -q listening "$scratch/tcpdump"
}

stop_dump()
{
	sleep 0.3
	# The function in the background is a shell, and tcpdump its only child.
	pkill -P "$dump" 2>/dev/null || kill "$dump"
	wait "$dump" 2>/dev/null || true
	dumped=$(tcpdump -n -r "$scratch/frames" 2>/dev/null | wc -l)
}

make_host
make_bridge br1 2
route_between
make_container front 2
make_container back 3
make_container db 4
plug_container far shop-far br1 2 5

# ---- it happens ----

use stack
check_same "by default it is the stack" "stack " "$(forwarding shop-back)"
check_stack "so the host hands it over" back 10.1.0.3
use direct
for name in front back db far; do
	check_same "shop-$name forwards directly" "direct " "$(forwarding "shop-$name")"
done
check_same "and the doctor has nothing against it" "good" \
	"$(json '.checks[] | select(.name == "endpoint-direct") | .health' doctor)"
check_direct "within a bridge" back 10.1.0.3
check_direct "over IPv6" back fd00:1::3

before="$(rule_packets) $(sent_by shop-front)"
send_to back 10.1.0.3 3000
after="$(rule_packets) $(sent_by shop-front)"
check_same "the rule has counted each packet once" 3000 $((${after% *} - ${before% *}))
check "so has the sender's endpoint" test $((${after#* } - ${before#* })) -ge 3000
check "and little else" test $((${after#* } - ${before#* })) -lt 3020

# send_file CONTAINER ADDRESS: what front sends there by TCP arrives as it was. netcat ends with its input, so that has none
# to end.
mkfifo "$scratch/nothing"
exec 9<>"$scratch/nothing"
head -c 20000000 /dev/urandom >"$scratch/bytes"
send_file()
{
	local before

	start_inside "$1" busybox nc -l -p 7001 <&9 >"$scratch/arrived"
	wait_for 5 listens "$1" t 7001
	before=("$(handed_over "shop-$1")" "$(arrived_in "$1")")
	inside front timeout 20 busybox nc "$2" 7001 <"$scratch/bytes" || true
	wait "$child" || true
	by_host=$(($(handed_over "shop-$1") - before[0]))
	packets=$(($(arrived_in "$1") - before[1]))
	check "20 MB to $2 arrive as they were" cmp "$scratch/bytes" "$scratch/arrived"
}

# arrived_in CONTAINER: packets that it has received.
arrived_in()
{
	inside "$1" ip -j -s link show dev eth0 | jq '.[0].stats64.rx.packets'
}

for address in 10.1.0.3 fd00:1::3 10.2.0.5 fd00:2::5; do
	name=back
	[[ $address != *2:* && $address != 10.2.* ]] || name=far
	send_file "$name" "$address"
	check "past the host (it handed over $by_host of $packets)" test $((by_host * 3)) -lt "$packets"
done

# A narrow way out: only the host can say that, and must be asked.
in_host ip link set shop-far mtu 1300
use direct
send_file far 10.2.0.5
check "because the host has said how narrow it is" grep -q "mtu 1300" <<<"$(inside front ip route get 10.2.0.5)"
in_host ip link set shop-far mtu 1500
inside front ip route flush cache
use direct

start_dump host shop-front "udp port 7002"
send_to back 10.1.0.3 500 200
stop_dump
check_same "tcpdump on the sender's interface on the host sees all of them" 500 "$dumped"
start_dump back eth0 "udp port 7002"
send_to back 10.1.0.3 500 200
stop_dump
check_same "and so it does inside of the receiver" 500 "$dumped"
for number in 2 3; do
	check "the bridge remembers 02:00:0a:01:00:0$number" \
		grep -q "02:00:0a:01:00:0$number" <<<"$(in_host bridge fdb show br br0)"
done

# ---- what is not permitted ----

check_not "db still does not reach back" talks db udp 10.1.0.3 7002
check_not "nor front another port" talks front udp 10.1.0.3 7003
for protocol in tcp:7001 udp:7002; do
	for address in 10.1.0.3 10.2.0.5; do
		name=back
		[[ $address == 10.1.* ]] || name=far
		echo_server "$name" "${protocol%:*}" "${protocol#*:}"
		server=$child
		check_open "front talks ${protocol%:*} to $address" front "${protocol%:*}" "$address" "${protocol#*:}"
		check_same "and gets answers" "answered answered" "$(say_line one) $(say_line two)"
		use direct ""
		check_not "without the contract none at once" test "$(say_line three)" = answered
		use direct
		check "with it, again" answers_again
		epgctl -q endpoint rm "shop-$name"
		check_not "none of one that is no endpoint any more" test "$(say_line four)" = answered
		use direct
		check "until it is one again" answers_again
		exec 7>&- 8>&-
		stop "$server"
	done
done

# The address moves to db, and with it what is sent there.
inside back ip addr del 10.1.0.3/24 dev eth0
inside db ip addr add 10.1.0.3/24 dev eth0
epgctl -q endpoint rm shop-back
epgctl -q endpoint add shop-db --group shop/store/back --ip 10.1.0.3
forget_neighbors front
send_to db 10.1.0.3 500
check_same "what goes to an address that has moved arrives there" "received 500 of 500 repeated 0 late 0" "$received"
inside db ip addr del 10.1.0.3/24 dev eth0
inside back ip addr add 10.1.0.3/24 dev eth0
use direct
forget_neighbors front

# ---- what the host does as a router ----

check_direct "between bridges" far 10.2.0.5
check_direct "and over IPv6" far fd00:2::5
start_dump far eth0 "udp port 7002 and ip[8] == 63"
send_to far 10.2.0.5 500 200
stop_dump
check_same "the host is a hop: each has lost one of its 64" 500 "$dumped"
start_dump far eth0 "ip6[7] == 63 and ip6[6] == 17 and ip6[42:2] == 7002"
send_to far fd00:2::5 500 200
stop_dump
check_same "over IPv6 too" 500 "$dumped"
start_dump far eth0 "udp port 7002 and ether src $(in_host cat /sys/class/net/br1/address 2>/dev/null \
	|| in_host ip -j link show br1 | jq -r '.[0].address')"
send_to far 10.2.0.5 500 200
stop_dump
check_same "they come from the host's address" 500 "$dumped"

echo_server far udp 7002
check_open "a flow over the router is open" front udp 10.2.0.5 7002
check_same "and answers" "answered answered" "$(say_line one) $(say_line two)"
start_dump front eth0 "icmp[0] == 11"
inside front sysctl -q -w net.ipv4.ip_default_ttl=1
check_not "what may go no further is not forwarded" test "$(say_line three)" = answered
stop_dump
check "and the host says so" test "$dumped" -ge 1
inside front sysctl -q -w net.ipv4.ip_default_ttl=64
check "afterwards it goes on" answers_again
exec 7>&- 8>&-

# ---- what others must see ----

in_host tc qdisc add dev shop-back clsact
in_host tc filter add dev shop-back egress u32 match u32 0 0
check_same "the doctor sees a filter that has come later" "bad shop-back" \
	"$({ json '.checks[] | select(.name == "endpoint-direct" and .health == "bad") | .health + " " + .subject' doctor ||
		true; })"
epgctl -q attach shop-back 2>/dev/null
check_same "with a filter at the receiver's interface it is the stack" \
	"stack a filter of somebody else stands at its egress" "$(forwarding shop-back)"
check_stack "and the filter sees all" back 10.1.0.3
in_host tc qdisc del dev shop-back clsact
in_host tc qdisc add dev shop-back root tbf rate 100mbit burst 100k latency 100ms
epgctl -q attach shop-back 2>/dev/null
check_same "with a shaper, too" "stack it has a queueing discipline: tbf" "$(forwarding shop-back)"
check_stack "and it is asked" back fd00:1::3
in_host tc qdisc del dev shop-back root
epgctl -q attach shop-back
check_direct "without them it is direct again" back 10.1.0.3

background nsenter --net="/run/netns/$host" "$EPGCTL" --pin "$PIN" capture shop-back >"$scratch/capture.pcapng" \
	2>/dev/null
capture=$child
wait_for 5 test -s "$scratch/capture.pcapng"
check_stack "while somebody captures" back 10.1.0.3 200
sleep 0.3
kill -INT "$capture"
wait "$capture"
check_same "who sees them all" 1000 "$(tcpdump -n -r "$scratch/capture.pcapng" udp port 7002 2>/dev/null | wc -l)"
check_direct "and not longer" back 10.1.0.3
finish
