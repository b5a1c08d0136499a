#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# examples/zero-trust.yaml: members of one group talk by its own contract only, members of the other one not at all.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_host
plug_container orders svc-orders br0 1 2
plug_container stock svc-stock br0 1 3
plug_container job1 job-1 br0 1 11
plug_container job2 job-2 br0 1 12
for name in orders stock job2; do
	echo_server "$name" tcp 8443
	echo_server "$name" tcp 22
done

check "without a policy members reach each other's ports" talks orders tcp 10.1.0.3 22
check "examples/zero-trust.yaml is applied" epgctl apply -f "$EXAMPLES/zero-trust.yaml"
for subnet in 10.1.0. fd00:1::; do
	check "a service calls the other one at ${subnet}3" talks orders tcp "${subnet}3" 8443
	check "and the other way round" talks stock tcp "${subnet}2" 8443
	check "they ping each other" pings orders "${subnet}3"
	check_not "but no other port is open" talks orders tcp "${subnet}3" 22
	check "a worker calls a service" talks job1 tcp "${subnet}2" 8443
	check_not "the contract within the services is not the workers'" pings job1 "${subnet}2"
	check_not "a worker reaches no worker" talks job1 tcp "${subnet}12" 8443
	check_not "and pings none" pings job1 "${subnet}12"
	check_not "a service opens nothing to a worker" talks orders tcp "${subnet}12" 8443
done

# level SOURCE DESTINATION WHAT: verdict and level, as explained.
level()
{
	epgctl -j explain -s "$1" -d "$2" "$3" | jq -r '[.verdict, .level] | join(" ")'
}
check_same "a contract within the group decides first" "permit 1" "$(level svc-orders svc-stock tcp/8443)"
check_same "isolation denies the rest" "deny 2" "$(level svc-orders svc-stock tcp/22)"
check_same "and everything among workers" "deny 2" "$(level job-1 job-2 icmp)"
finish
