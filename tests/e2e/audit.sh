#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Audited subjects neither open nor close anything; what they would have decided otherwise is counted and told.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# counted SUBJECT: packets that the audited subject would have decided otherwise.
counted()
{
	json "[.contracts[].rules[] | select(.subject == \"$1\") | .packets] | add" contract ls
}

make_shop
echo_server back tcp 7001
echo_server back udp 7002
check "an audited deny beside a permit, an audited permit beside nothing" apply_pair \
	"subjects: [{name: open, filters: [stream]},
	  {name: closing, mode: audit, filters: [{name: stream, action: deny}]},
	  {name: opening, mode: audit, filters: [datagrams]}]"

background epgctl -j monitor --audit >"$scratch/events"
monitor=$child
sleep 0.5
check "what would be denied passes" talks front tcp 10.1.0.3 7001
check "by IPv6" talks front tcp fd00:1::3 7001
check_not "what would be permitted does not" talks front udp 10.1.0.3 7002
check_not "nor by IPv6" talks front udp fd00:1::3 7002
check_not "what concerns no audited subject neither" talks front tcp 10.1.0.4 7001
sleep 0.5
stop "$monitor"

check "the audited deny counts" test "$(counted closing)" -ge 2
check "the audited permit counts" test "$(counted opening)" -ge 2
check_same "status counts both" "$(counted closing) $(counted opening)" \
	"$(json '"\(.stats["would-deny"]) \(.stats["would-permit"])"' status)"
check_same "and so does drops" "$(counted closing) $(counted opening)" "$(json '"\(.wouldDeny) \(.wouldPermit)"' drops)"
check_same "monitor tells who, what and by which rule" "closing:permit:deny opening:deny:permit" \
	"$(jq -s -r '[.[] | "\(.auditedRule.subject):\(.verdict):\(.wouldBe)"] | unique | join(" ")' "$scratch/events")"
check_same "monitor tells nothing else" 0 "$(jq -s '[.[] | select(.wouldBe == null)] | length' "$scratch/events")"

answer=$(epgctl -j explain -s shop-front -d 10.1.0.3 tcp/7001)
check_same "explain permits and names what would deny" "permit open closing" \
	"$(jq -r '[.verdict, .rule.subject, .audited.subject] | join(" ")' <<<"$answer")"
answer=$(epgctl -j explain -s shop-front -d 10.1.0.3 udp/7002 || true)
check_same "explain denies and names what would permit" "deny opening" \
	"$(jq -r '[.verdict, .audited.subject] | join(" ")' <<<"$answer")"

sed 's/mode: audit, //' "$scratch/pair.yaml" >"$scratch/enforced.yaml"
check "the same, enforced" epgctl apply -f "$scratch/enforced.yaml"
check_not "what would have been denied is" talks front tcp 10.1.0.3 7001
check "what would have been permitted is" talks front udp 10.1.0.3 7002
finish
