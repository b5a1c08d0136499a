#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# explain says of every pair and protocol what real traffic finds; and names contract, entry and line.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

declare -A number=([front]=2 [back]=3 [db]=4)

# really CLIENT ADDRESS PROTOCOL[/PORT]
really()
{
	case $3 in
	icmp | icmpv6) pings "$1" "$2" ;;
	tcp/80 | tcp/5432) gets "$1" "$2" "${3#*/}" ;;
	udp/*) talks "$1" udp "$2" "${3#*/}" ;;
	esac
}

# explained CLIENT ADDRESS PROTOCOL[/PORT]: by exit status, 0 permit, 1 deny.
explained()
{
	epgctl -q explain -s "shop-$1" -d "$2" "$3" >/dev/null
}

make_shop
for name in front back db; do
	serve "$name" 80
	serve "$name" 5432
	echo_server "$name" udp 7002
done
epgctl -q apply -f "$POLICIES/shop.yaml"

# ask FILE CLIENT ADDRESS PROTOCOL[/PORT]: leaves there what was said and what happened, by exit status.
ask()
{
	local said=0 happened=0

	explained "$2" "$3" "$4" || said=$?
	really "$2" "$3" "$4" || happened=1
	echo "$said $happened $2 to $3, $4" >"$1"
}

# All questions of a pair at once: what is denied only times out, and questions must not disturb each other.
for client in front back db; do
	for server in front back db; do
		[[ $client != "$server" ]] || continue
		askers=()
		for question in tcp/80 tcp/5432 udp/7002 ping; do
			ask "$scratch/4-${question#*/}" "$client" "10.1.0.${number[$server]}" "${question/ping/icmp}" &
			askers+=("$!")
			ask "$scratch/6-${question#*/}" "$client" "fd00:1::${number[$server]}" "${question/ping/icmpv6}" &
			askers+=("$!")
		done
		wait "${askers[@]}"
		for file in "$scratch"/[46]-*; do
			read -r said happened what <"$file"
			check_same "$what: as explained" "$happened" "$said"
		done
	done
done

answer=$(epgctl -j explain -s shop-front -d 10.1.0.3 tcp/80)
line=$(grep -n 'name: web, etherT' "$POLICIES/shop.yaml" | cut -d: -f1)
check_same "a permit names groups, contract, subject, filter, entry, level, line" \
	"permit shop/store/front shop/store/back shop/web pages http web 7 $line" \
	"$(jq -r '[.verdict, .source.group, .destination.group, .rule.contract, .rule.subject, .rule.filter, .rule.entry,
		.level, .rule.line] | join(" ")' <<<"$answer" | sed 's,shop/http,http,')"
answer=$(epgctl -j explain -s 10.1.0.2 -d 10.1.0.4 tcp/5432 || true)
check_same "a denial names the reason and the groups" "deny implicit-deny shop/store/front shop/store/db" \
	"$(jq -r '[.verdict, .reason, .source.group, .destination.group] | join(" ")' <<<"$answer")"

check_same "and the contract that nearly permits it, what it missed, and the line to write" \
	"shop/sql not-a-consumer consume: [web, sql]" \
	"$(jq -r '[.nearMisses[0].contract, .nearMisses[0].missed[0], .remedy.yaml] | join(" ")' <<<"$answer")"
remedy=$(jq -r '.remedy.line' <<<"$answer")
check_same "to the group, at its line" "    - name: front" "$(sed -n "${remedy}p" "$POLICIES/shop.yaml")"

# What comes back, without and with a flow of its own.
check "the answer passes" epgctl explain -s shop-front -d 10.1.0.3 tcp/80 --reply
check_same "by the flow, as its opener's rule says" "true shop/web tcp dport 40000 sport 80 flags syn,ack" \
	"$(json '[.byFlow, .opening.rule.contract, .packet] | join(" ")' explain -s shop-front -d 10.1.0.3 tcp/80 --reply)"
check "an ICMP error about it passes" epgctl explain -s shop-front -d fd00:1::3 tcp/80 --icmp-error
check_exit "the answer to what is denied does not" 1 "" epgctl explain -s shop-front -d 10.1.0.4 tcp/5432 --reply
check_exit "nor does an error about it" 1 "" epgctl explain -s shop-front -d fd00:1::4 tcp/5432 --icmp-error
check "a first fragment passes as the packet would" epgctl explain -s shop-front -d 10.1.0.3 udp/7002 --fragment first
check "a later one may belong to a packet that passes" epgctl explain -s shop-front -d 10.1.0.3 udp --fragment later
check_exit "where none may it does not" 1 "" epgctl explain -s shop-front -d 10.1.0.4 udp --fragment later
check "the gateway's address is asked for without a contract" epgctl explain -s shop-front -d 10.1.0.1 arp

before=$(json '[.contracts[].packets] | add' contract ls; json '[.drops[].packets] | add' drops; json .flows status)
for _ in 1 2 3 4 5; do
	epgctl explain -s shop-front -d 10.1.0.3 tcp/80 >/dev/null
	epgctl explain -s shop-front -d 10.1.0.4 tcp/80 >/dev/null || true
done
check_same "explaining leaves counters and flows as they are" "$before" \
	"$(json '[.contracts[].packets] | add' contract ls; json '[.drops[].packets] | add' drops; json .flows status)"
finish
