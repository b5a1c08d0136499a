#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# epgctl capture: every packet once, with its verdict, in a file that others read; and what it is asked to leave out.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

command -v tcpdump >/dev/null || skip_all "no tcpdump here (tools/setup installs it)"

# start_capture ARGUMENT...: a capture that has begun; its process id is in $capture.
start_capture()
{
	rm -f "$scratch/capture.pcapng" "$scratch/capture.err"
	background nsenter --net="/run/netns/$host" "$EPGCTL" --pin "$PIN" capture "$@" 2>"$scratch/capture.err" \
		>"$scratch/capture.pcapng"
	capture=$child
	wait_for 5 test -s "$scratch/capture.pcapng"
	sleep 0.1
}

# end_capture: and what it said at its end is in $ended.
end_capture()
{
	sleep 0.3
	kill -INT "$capture"
	wait "$capture"
	ended=$(<"$scratch/capture.err")
}

# packets [FILTER]: how many tcpdump reads, of those that its filter meets.
packets()
{
	tcpdump -n -r "$scratch/capture.pcapng" "$@" 2>/dev/null | wc -l
}

# comments PATTERN: how many packets have a comment that this pattern meets; it has no line ends.
comments()
{
	tr -c '[:print:]' '\n' <"$scratch/capture.pcapng" | grep -c -E -- "$1" || true
}

make_shop
epgctl -q apply -f "$POLICIES/shop.yaml"

# script(1) gives a terminal to standard output; the complaint goes elsewhere.
script -q -e -c "nsenter --net=/run/netns/$host $EPGCTL --pin $PIN capture 2>$scratch/complaint" /dev/null </dev/null \
	>/dev/null && status=0 || status=$?
check_same "a terminal gets no capture" "2 1" "$status $(grep -c 'not for a terminal' "$scratch/complaint")"
check_exit "--drop and --permit contradict each other" 2 "together" epgctl capture --drop --permit
check_exit "nor is anything captured at an interface that is not there" 4 "interface" epgctl capture nosuch
check_exit "a count is a number" 2 "takes a number" epgctl capture -c none
check_exit "no more of a frame is kept than there is" 2 "1 to 256" epgctl capture --snaplen 257
check_exit "where it can't be written, it is said" 3 "can't write" epgctl capture -w /nosuch/file

# ---- every packet of a flow, each once ----

start_inside back "$PROBE" receive 7002 2000 >"$scratch/received"
receiver=$child
wait_for 5 listens back u 7002
start_capture
inside front "$PROBE" send 10.1.0.3 7002 200 >/dev/null
inside front "$PROBE" send fd00:1::3 7002 50 >/dev/null
inside front "$PROBE" send 10.1.0.4 7002 30 >/dev/null
end_capture
wait "$receiver"
check_same "all 200 datagrams of a flow are captured, not only the first" 200 "$(packets udp and dst 10.1.0.3)"
check_same "and 50 over IPv6" 50 "$(packets udp and dst fd00:1::3)"
check_same "and 30 that are denied" 30 "$(packets udp and dst 10.1.0.4)"
check_same "a permitted one names its contract, subject, filter and entry, and both groups" 250 \
	"$(comments '^permit by shop/web > talk > shop/talk > datagrams: shop/store/front -> shop/store/back, at tc-ingress')"
check_same "a denied one its reason" 30 \
	"$(comments '^deny by implicit-deny: shop/store/front -> shop/store/db, at tc-ingress of shop-front, gen')"
check_same "none was lost, and that is said" "$(packets) packets, 0 lost" "$ended"
check_same "their bytes are all there" 200 \
	"$(packets 'udp and dst 10.1.0.3 and len == 46 and udp[4:2] == 12 and ip[8] == 64')"

# ---- a connection, as tcpdump sees it ----

echo_server back tcp 7001
start_inside back tcpdump -Z root --immediate-mode -n -U -i eth0 -w "$scratch/frames" tcp port 7001 2>"$scratch/tcpdump"
dump=$child
wait_for 5 grep -q listening "$scratch/tcpdump"
start_capture
check "a connection works while it is captured" talks front tcp 10.1.0.3 7001
end_capture
stop "$dump"
check_same "it has as many frames as tcpdump sees inside" \
	"$(tcpdump -n -r "$scratch/frames" 2>/dev/null | wc -l)" "$(packets tcp port 7001)"
check "in both directions, back's among them" test "$(packets tcp and src port 7001)" -gt 2

# ---- less ----

start_capture --drop
check "with --drop permitted packets pass all the same" pings front 10.1.0.3
check_not "and denied ones don't" pings front 10.1.0.4
end_capture
check_same "with --drop there are no others" 0 "$(comments '^permit')"
check "but those" test "$(packets icmp)" -gt 0

start_capture --permit shop-db
check "what others say to each other" pings front 10.1.0.3
check_not "what is denied" pings front 10.1.0.4
inside db busybox arping -q -c 1 -w 1 -I eth0 10.1.0.1 || true
end_capture
check_same "with an interface, only what concerns it" 0 "$(packets icmp)"
check "which is there" test "$(packets arp)" -gt 0

start_capture --group shop/store/back
check "what a group gets" pings front 10.1.0.3
check_not "and others" pings front 10.1.0.4
end_capture
check_same "with a group, nothing between others" 0 "$(packets host 10.1.0.4 and icmp)"
check "but what it gets and says" test "$(packets host 10.1.0.3 and icmp)" -ge 2

start_capture --snaplen 20 -c 3
start_inside front busybox ping -q -c 6 -i 0.2 10.1.0.3 >/dev/null
wait "$capture"
ended=$(<"$scratch/capture.err")
check_same "it ends after as many packets as were asked for" 3 "$(packets)"
check_same "and says so" "3 packets, 0 lost" "$ended"
check "of which it kept no more than that" test "$(stat -c %s "$scratch/capture.pcapng")" -lt 1500

# ---- to a file, and to somebody who has had enough ----

start_inside front busybox ping -q -c 40 -i 0.1 10.1.0.3 >/dev/null
check_same "to a file, it says what it did as JSON" "$scratch/file.pcapng 5 0" \
	"$(json '"\(.file) \(.packets) \(.lost)"' capture -c 5 -w "$scratch/file.pcapng")"
check_same "and the file has them" 5 "$(tcpdump -n -r "$scratch/file.pcapng" 2>/dev/null | wc -l)"
in_host "$EPGCTL" --pin "$PIN" capture 2>"$scratch/capture.err" | head -c 600 >/dev/null
check_same "who reads no further ends it, and that is no failure" "0" "${PIPESTATUS[0]}"
check_exit "while one captures, another may not" 7 "watches" bash -c \
	"nsenter --net=/run/netns/$host $EPGCTL --pin $PIN capture 2>/dev/null >/dev/null & pid=\$!; sleep 0.5
	nsenter --net=/run/netns/$host $EPGCTL --pin $PIN monitor; status=\$?; kill \$pid; exit \$status"
finish
