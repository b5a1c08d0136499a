# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the end-to-end tests share. A test is a bash script that sources this file; it gets a host of its own (a
# network namespace with a bridge) and a pin directory of its own, tells its results as TAP, and leaves nothing
# behind however it ends. Namespaces are entered with nsenter: `ip netns exec` would hide the BPF file system.
#
# From meson: EPGCTL and PROBE, paths of the programs, and OTHERS, of the object file made of others.bpf.c.
set -euo pipefail

: "${EPGCTL:?run the tests with: meson test --suite e2e}" "${PROBE:?}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export POLICIES=$here/policies EXAMPLES=$here/../../examples
export PATH="$PATH:/usr/sbin:/sbin"

run=e2e-$$
host=$run-host
PIN=/sys/fs/bpf/$run
scratch=$(mktemp -d)
pins=("$PIN")
leftovers=() # directories of the BPF file system that are not epgctl's
namespaces=()
children=()
count=0
failures=0

# ---- results ----

pass()
{
	count=$((count + 1))
	echo "ok $count - $1"
}

not_pass()
{
	count=$((count + 1))
	failures=$((failures + 1))
	echo "not ok $count - $1"
	shift
	(($# == 0)) || printf '%s\n' "$@" | sed 's/^/# /'
}

# check WHAT COMMAND...: the command succeeds.
check()
{
	local what=$1 output

	shift
	if output=$("$@" 2>&1); then
		pass "$what"
	else
		not_pass "$what" "failed ($?): $*" "$output"
	fi
}

# check_not WHAT COMMAND...: the command fails.
check_not()
{
	local what=$1 output

	shift
	if output=$("$@" 2>&1); then
		not_pass "$what" "succeeded: $*" "$output"
	else
		pass "$what"
	fi
}

# check_same WHAT EXPECTED ACTUAL
check_same()
{
	if [[ $2 == "$3" ]]; then
		pass "$1"
	else
		not_pass "$1" "expected: $2" "actual:   $3"
	fi
}

# check_exit WHAT STATUS PATTERN COMMAND...: the exit status, and what standard error says (an extended regex).
check_exit()
{
	local what=$1 expected=$2 pattern=$3 status=0 errors

	shift 3
	errors=$("$@" 2>&1 >/dev/null) || status=$?
	if ((status != expected)); then
		not_pass "$what" "expected exit status $expected, not $status: $*" "$errors"
	elif ! grep -q -i -E -- "$pattern" <<<"$errors"; then
		not_pass "$what" "its message lacks /$pattern/:" "$errors"
	else
		pass "$what"
	fi
}

# skip_all REASON: nothing of this test can run here.
skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

finish()
{
	echo "1..$count"
	exit $((failures > 0))
}

# ---- cleaning up ----

# stop PID...: ends processes of ours and waits for them.
stop()
{
	kill "$@" 2>/dev/null || true
	wait "$@" 2>/dev/null || true
}

clean_up()
{
	local status=$? name pin

	trap - EXIT INT TERM
	set +e
	((${#children[@]} == 0)) || stop "${children[@]}"
	for pin in "${pins[@]}"; do
		[[ ! -d $pin ]] || in_host "$EPGCTL" --pin "$pin" -q unload >/dev/null
		rm -rf "$pin"
	done
	for name in "${namespaces[@]}"; do
		ip netns pids "$name" | xargs -r kill # what servers have forked
		ip netns delete "$name"
	done
	rm -rf "$scratch" "${leftovers[@]}"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- the host and its containers ----

add_namespace()
{
	ip netns add "$1"
	namespaces+=("$1")
	nsenter --net="/run/netns/$1" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv4.ping_group_range="0 2147483647" || true
	ip -n "$1" link set lo up
}

in_host()
{
	nsenter --net="/run/netns/$host" "$@"
}

# inside CONTAINER COMMAND...
inside()
{
	local name=$1

	shift
	nsenter --net="/run/netns/$run-$name" "$@"
}

epgctl()
{
	in_host timeout 30 "$EPGCTL" --pin "$PIN" "$@"
}

# make_bridge BRIDGE SUBNET: a bridge of the host with the gateway's addresses 10.SUBNET.0.1 and fd00:SUBNET::1.
make_bridge()
{
	in_host ip link add "$1" type bridge mcast_snooping 0
	in_host ip addr add "10.$2.0.1/24" dev "$1"
	in_host ip addr add "fd00:$2::1/64" dev "$1" nodad
	in_host ip link set "$1" up
}

# plug_container NAME INTERFACE BRIDGE SUBNET NUMBER: eth0 inside with 10.SUBNET.0.NUMBER and fd00:SUBNET::NUMBER, on
# the host the interface, a port of the bridge.
plug_container()
{
	local name=$1 interface=$2 bridge=$3 subnet=$4 number=$5 mac

	mac=$(printf '02:00:0a:%02x:00:%02x' "$subnet" "$number")
	add_namespace "$run-$name"
	in_host ip link add "$interface" type veth peer name eth0 address "$mac" netns "$run-$name"
	in_host ip link set "$interface" master "$bridge" up
	inside "$name" ip addr add "10.$subnet.0.$number/24" dev eth0
	inside "$name" ip addr add "fd00:$subnet::$number/64" dev eth0 nodad
	inside "$name" ip link set eth0 up
	inside "$name" ip route add default via "10.$subnet.0.1"
	inside "$name" ip -6 route add default via "fd00:$subnet::1"
}

# The host: a bridge with the gateway's addresses.
make_host()
{
	add_namespace "$host"
	make_bridge br0 1
}

# The host as a router between its bridges.
route_between()
{
	in_host sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# make_container NAME NUMBER: 10.1.0.NUMBER and fd00:1::NUMBER, on the host shop-NAME.
make_container()
{
	plug_container "$1" "shop-$1" br0 1 "$2"
}

# The three containers of the shop.
make_shop()
{
	make_host
	make_container front 2
	make_container back 3
	make_container db 4
}

# pair_policy CONTRACT [FRONT [BACK [VRF [DOMAIN]]]]: a policy with a contract `talk` that front consumes, back provides
# and db neither; the arguments are keys of the contract, of the EPGs, of the VRF and of the bridge domain, as YAML
# within braces.
pair_policy()
{
	cat <<-YAML
		version: 1
		tenants:
		- name: shop
		  vrfs: [{name: prod${4:+, $4}}]
		  bridgeDomains: [{name: bd1, vrf: prod, subnets: [10.1.0.1/24, "fd00:1::1/64"]${5:+, $5}}]
		  filters:
		  - {name: http, entries: [{name: web, etherT: ip, prot: tcp, dPort: 80}]}
		  - {name: stream, entries: [{name: stream, etherT: ip, prot: tcp, dPort: 7001}]}
		  - {name: datagrams, entries: [{name: datagrams, etherT: ip, prot: udp, dPort: 7002}]}
		  - {name: more, entries: [{name: more, etherT: ip, prot: udp, dPort: 7003}]}
		  - name: ping
		    entries:
		    - {name: echo4, etherT: ipv4, prot: icmp, icmpType: echo-request}
		    - {name: echo6, etherT: ipv6, prot: icmpv6, icmpType: echo-request}
		  - {name: stateless, entries: [{name: tcp, etherT: ip, prot: tcp, dPort: 7001, stateful: false},
		      {name: udp, etherT: ip, prot: udp, dPort: 7002, stateful: false}]}
		  - {name: arp, entries: [{name: arp, etherT: arp}]}
		  - name: discovery
		    entries:
		    - {name: solicitation, prot: icmpv6, icmpType: neighbor-solicitation, stateful: false}
		    - {name: advertisement, prot: icmpv6, icmpType: neighbor-advertisement, stateful: false}
		  - {name: any, entries: [{name: ip, etherT: ip}]}
		  contracts:
		  - {name: talk, $1}
		  taboos:
		  - {name: sealed, filters: [any]}
		  appProfiles:
		  - name: store
		    epgs:
		    - {name: front, bridgeDomain: bd1, consume: [talk]${2:+, $2},
		       endpoints: [{interface: shop-front, ips: [10.1.0.2, "fd00:1::2"]}]}
		    - {name: back, bridgeDomain: bd1, provide: [talk]${3:+, $3},
		       endpoints: [{interface: shop-back, ips: [10.1.0.3, "fd00:1::3"]}]}
		    - {name: db, bridgeDomain: bd1, endpoints: [{interface: shop-db, ips: [10.1.0.4, "fd00:1::4"]}]}
	YAML
}

# apply_pair ARGUMENT...: makes the policy of these arguments the running one.
apply_pair()
{
	pair_policy "$@" >"$scratch/pair.yaml"
	epgctl -q apply -f "$scratch/pair.yaml"
}

# background COMMAND...: starts it and remembers to end it; its process id is in $child.
background()
{
	"$@" <&0 & # without <&0 its input would be /dev/null
	child=$!
	children+=("$child")
}

# start_inside CONTAINER COMMAND...: the same inside a container (a function in the background would be a
# shell between us and the process).
start_inside()
{
	local name=$1

	shift
	background nsenter --net="/run/netns/$run-$name" "$@"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for()
{
	local deadline=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < deadline)) || return 1
		sleep 0.05
	done
}

# forget_neighbors CONTAINER: or an address that did not answer before is not asked for again at once.
forget_neighbors()
{
	inside "$1" ip -4 neigh flush dev eth0
	inside "$1" ip -6 neigh flush dev eth0
}

# ---- clients and servers ----

# serve CONTAINER PORT: an HTTP server whose page is the container's name; v4 and v6.
serve()
{
	local name=$1 port=$2

	mkdir -p "$scratch/www-$name"
	echo "this is $name" >"$scratch/www-$name/index.html"
	start_inside "$name" busybox httpd -f -p "[::]:$port" -h "$scratch/www-$name"
	wait_for 5 listens "$name" t "$port"
}

# echo_server CONTAINER tcp|udp PORT
echo_server()
{
	start_inside "$1" "$PROBE" echo "$2" "$3"
	wait_for 5 listens "$1" "${2:0:1}" "$3"
}

listens()
{
	inside "$1" ss -H -n -l -"$2" "sport = :$3" | grep -q .
}

# gets CONTAINER ADDRESS PORT: the page of the server there, within $patience seconds.
gets()
{
	local address=$2

	[[ $address != *:* ]] || address="[$address]"
	inside "$1" timeout "${patience:-2}" busybox wget -q -O - "http://$address:$3/" | grep -q '^this is '
}

# pings CONTAINER ADDRESS
pings()
{
	inside "$1" timeout "${patience:-2}" busybox ping -c 1 -W 1 "$2" >/dev/null
}

# talks CONTAINER tcp|udp ADDRESS PORT: an echo server there answers.
talks()
{
	local answer

	answer=$(echo "hello $RANDOM" | inside "$1" timeout "${patience:-2}" "$PROBE" talk "$2" "$3" "$4" 2>/dev/null) || true
	[[ $answer == *answered* ]]
}

# ---- a conversation that stays open: hello with start_talk, then say_line as often as one likes ----

# start_talk CONTAINER tcp|udp ADDRESS PORT: connects; the connection is open when it returns.
start_talk()
{
	local name=$1

	shift
	rm -f "$scratch/talk-in" "$scratch/talk-out"
	mkfifo "$scratch/talk-in" "$scratch/talk-out"
	exec 7<>"$scratch/talk-in" 8<>"$scratch/talk-out"
	start_inside "$name" "$PROBE" talk "$@" <&7 >&8
	read -r -t 5 -u 8 line && [[ $line == connected ]]
}

# check_open WHAT CONTAINER tcp|udp ADDRESS PORT: start_talk as a check of its own (check would run it in a subshell).
check_open()
{
	local what=$1

	shift
	if start_talk "$@"; then
		pass "$what"
	else
		not_pass "$what" "no connection: $*"
	fi
}

# say_line TEXT: "answered", "silence" or "broken".
say_line()
{
	local answer=nothing

	echo "$1" >&7
	read -r -t 5 -u 8 answer || true
	echo "$answer"
}

# answers_again: TCP repeats what was lost later and later, so the first line after the way is free again may come late.
answers_again()
{
	local attempt

	for attempt in 1 2 3 4 5 6; do
		[[ $(say_line "again$attempt") != answered ]] || return 0
	done
	return 1
}

# ---- what epgctl says ----

# json FILTER COMMAND...: jq over the command's JSON.
json()
{
	local filter=$1

	shift
	epgctl -j "$@" | jq -r "$filter"
}

if ((EUID != 0)); then
	skip_all "needs root"
elif [[ $(stat -f -c %T /sys/fs/bpf) != bpf_fs ]]; then
	skip_all "no BPF file system on /sys/fs/bpf (tools/setup mounts it)"
fi
for program in ip busybox jq nsenter ss; do
	command -v "$program" >/dev/null || skip_all "no $program here (tools/setup installs it)"
done
