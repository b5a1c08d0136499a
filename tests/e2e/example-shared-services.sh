#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# examples/shared-services.yaml: two tenants use the services of a third one, each as its policy says, and never meet.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

add_namespace "$host"
make_bridge br-common 9
make_bridge br-red 1
make_bridge br-blue 2
route_between
plug_container dns common-dns br-common 9 53
plug_container ntp common-ntp br-common 9 123
plug_container web red-web br-red 1 2
plug_container clock red-clock br-red 1 3
plug_container head blue-head br-blue 2 2
plug_container job blue-job br-blue 2 3
echo_server dns udp 53
echo_server dns tcp 53
echo_server ntp udp 123
echo_server ntp tcp 22
echo_server web tcp 80
echo_server head tcp 80

check "without a policy everybody meets" talks job tcp 10.1.0.2 80
check "examples/shared-services.yaml is applied" epgctl apply -f "$EXAMPLES/shared-services.yaml"
for dns in 10.9.0.53 fd00:9::53; do
	check "red web asks $dns for names, as every group of red may" talks web udp "$dns" 53
	check "red clock does, too" talks clock udp "$dns" 53
	check "by TCP as well" talks web tcp "$dns" 53
	check "blue head asks $dns for names" talks head udp "$dns" 53
	check_not "blue job does not" talks job udp "$dns" 53
done
for ntp in 10.9.0.123 fd00:9::123; do
	check "red clock asks $ntp for the time" talks clock udp "$ntp" 123
	check "blue head does, too" talks head udp "$ntp" 123
	check_not "red web does not" talks web udp "$ntp" 123
	check_not "nobody logs in there" talks clock tcp "$ntp" 22
done
check_not "red does not reach blue" talks web tcp 10.2.0.2 80
check_not "blue does not reach red" talks head tcp 10.1.0.2 80
check_not "nor by IPv6" talks head tcp fd00:1::2 80
check_not "a service opens nothing to those who use it" talks dns tcp 10.1.0.2 80
check_not "nor to the service beside it" talks dns udp 10.9.0.123 123

check "explain permits what passes" epgctl explain -s red-web -d 10.9.0.53 udp/53
check_exit "explain denies what does not" 1 "" epgctl explain -s blue-job -d 10.9.0.53 udp/53
check_same "every group of red consumes dns: any to group" 14 "$(json .level explain -s red-web -d 10.9.0.53 udp/53)"
check_same "a group of blue consumes dns: group to group" 7 "$(json .level explain -s blue-head -d 10.9.0.53 udp/53)"
finish
