#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# examples/audit-migration.yaml: everything passes as before, what the final policy would deny is counted and told; then
# it is closed, and what it permits goes on.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# audited: packets that the audited subject would have denied.
audited()
{
	json '[.contracts[].rules[] | select(.audit) | .packets] | add' contract ls
}

make_shop
echo_server back tcp 80
echo_server back tcp 7001
echo_server front udp 7002

check "examples/audit-migration.yaml is applied" epgctl apply -f "$EXAMPLES/audit-migration.yaml"
check "what is wanted passes" talks front tcp 10.1.0.3 80
check "by IPv6" talks front tcp fd00:1::3 80
check_same "and is not counted as something that would be denied" 0 "$(audited)"

background epgctl -j monitor --audit >"$scratch/events"
monitor=$child
sleep 0.5
check "what is not wanted passes too" talks front tcp 10.1.0.3 7001
check "by IPv6" talks front tcp fd00:1::3 7001
check "the provider opens connections, as before" talks back udp 10.1.0.2 7002
check "and pings" pings back 10.1.0.2
sleep 0.5
stop "$monitor"
check "it is counted" test "$(audited)" -ge 4
check_same "status counts it as well" "$(audited)" "$(json '.stats["would-deny"]' status)"
check_same "it is told, with the rule that would deny" "true true" \
	"$(jq -s -r '[any(.wouldBe == "deny" and .verdict == "permit" and .destination.port == 7001),
		all(.auditedRule.subject == "closing")] | join(" ")' "$scratch/events")"
answer=$(epgctl -j explain -s shop-front -d 10.1.0.3 tcp/7001)
check_same "explain permits it and names the audited subject" "permit everything closing" \
	"$(jq -r '[.verdict, .rule.subject, .audited.subject] | join(" ")' <<<"$answer")"

check_open "front opens a connection that is wanted" front tcp 10.1.0.3 80
check_same "it works" answered "$(say_line one)"
sed 's/mode: audit/mode: enforce/' "$EXAMPLES/audit-migration.yaml" >"$scratch/closed.yaml"
check "the last step: mode: enforce" epgctl apply -f "$scratch/closed.yaml"
check_same "the open connection goes on" answered "$(say_line two)"
check "what is wanted passes" talks front tcp fd00:1::3 80
check_not "what is not does not" talks front tcp 10.1.0.3 7001
check_not "nor by IPv6" talks front tcp fd00:1::3 7001
check_not "nor what the provider opens" talks back udp 10.1.0.2 7002
finish
