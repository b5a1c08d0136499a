#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# examples/quarantine.yaml: the incident as its comment tells it; connections that are open are cut, and go on after it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_shop
echo_server back tcp 80
echo_server db tcp 5432
echo_server db tcp 22
echo_server back tcp 22

incident()
{
	epgctl export | sed 's/# incident: //' >"$scratch/incident.yaml"
	epgctl "$@" -f "$scratch/incident.yaml"
}

check "examples/quarantine.yaml is applied" epgctl apply -f "$EXAMPLES/quarantine.yaml"
check "back reaches the database" talks back tcp 10.1.0.4 5432
check "and by IPv6" talks back tcp fd00:1::4 5432
check "the host logs in to back" in_host "$PROBE" talk tcp 10.1.0.3 22 </dev/null
check_open "front opens a connection to back" front tcp 10.1.0.3 80
check_same "it works" answered "$(say_line one)"

check_exit "diff tells what the incident would change" 1 "" incident diff
check_same "and that the open connection would be cut" true \
	"$(epgctl -j diff -f "$scratch/incident.yaml" |
		jq '.changes | any(.object == "flow" and .change == "denied" and (.name | contains("10.1.0.3:80")))')"
check "the taboos are put on" incident apply
check_same "the open connection is cut" silence "$(say_line two)"
background epgctl -j monitor --log >"$scratch/events"
monitor=$child
sleep 0.5
check_not "no new one comes in" talks front tcp 10.1.0.3 80
check "the host still logs in to the database's machine" in_host timeout 2 "$PROBE" talk tcp 10.1.0.4 22 </dev/null
stop "$monitor"
check_same "who tries is told" "deny shop/store/front shop/sealed true" \
	"$(jq -s -r 'map("\(.verdict) \(.source.group) \(.rule.contract) \(.log)") | unique | join("; ")' \
		"$scratch/events")"
check_not "nor by IPv6" talks front tcp fd00:1::3 80
check_not "not even the host's" in_host timeout 2 "$PROBE" talk tcp 10.1.0.3 22 </dev/null
check_not "back reaches its database no longer" talks back tcp 10.1.0.4 5432
check_same "a taboo decides at level 5" "deny 5 shop/sealed" \
	"$(epgctl -j explain -s shop-front -d 10.1.0.3 tcp/80 | jq -r '[.verdict, .level, .rule.contract] | join(" ")')"
check_same "its packets are counted" true \
	"$(json '.contracts[] | select(.name == "shop/sealed") | .packets > 0' contract ls)"

check "after the incident" epgctl rollback
check "the connection that was cut goes on" answers_again
check_open "back opens a connection to the database" back tcp fd00:1::4 5432
check_same "it works" answered "$(say_line one)"
check "the taboos once more" incident apply
check_same "what the suspect has opened is cut as well" silence "$(say_line two)"
finish
