#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a contract permits passes, replies included, for TCP, UDP and ICMP over IPv4 and IPv6; nothing else does.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_shop
for name in front back db; do
	serve "$name" 80
	echo_server "$name" tcp 7001
	echo_server "$name" udp 7002
done
serve db 5432
serve back 81

check "without epg everybody reaches everybody" gets db 10.1.0.2 80
check "the policy is applied" epgctl apply -f "$POLICIES/shop.yaml"

for back in 10.1.0.3 fd00:1::3; do
	check "front gets its page from back at $back" gets front "$back" 80
	check "front talks TCP with back at $back" talks front tcp "$back" 7001
	check "front talks UDP with back at $back" talks front udp "$back" 7002
	check "front pings back at $back" pings front "$back"
	check_not "front does not reach a port of $back that no filter names" gets front "$back" 81
done
for db in 10.1.0.4 fd00:1::4; do
	check "back reaches its database at $db" gets back "$db" 5432
	check_not "back does not reach another port of $db" gets back "$db" 80
	check_not "front does not reach the database at $db" gets front "$db" 5432
	check_not "front does not ping $db" pings front "$db"
	check_not "front does not talk UDP with $db" talks front udp "$db" 7002
done
for front in 10.1.0.2 fd00:1::2; do
	check_not "back, a provider, opens no connection to front at $front" gets back "$front" 80
	check_not "back does not ping front at $front" pings back "$front"
	check_not "db reaches nobody: $front" gets db "$front" 80
done
check_not "the host itself is no endpoint" in_host timeout 2 busybox wget -q -O - http://10.1.0.3/
check "every drop is accounted for" test "$(json '[.drops[].packets] | add' drops)" -gt 20
finish
