# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Frames written by hand, for tests that need just this one: each carries a token, and watchers inside the containers
# tell which tokens have arrived. Sourced after lib.sh.
# shellcheck disable=SC2154 # scratch and count are lib.sh's

# watch_frames CONTAINER [INTERFACE]: from now on tokens that arrive there are noted.
watch_frames()
{
	start_inside "$1" "$PROBE" watch "${2:-eth0}" >"$scratch/watch-$1"
	wait_for 5 grep -q watching "$scratch/watch-$1"
}

# frame CONTAINER TOKEN KEY=VALUE...: sends one from its eth0 (or from $interface); keys as in frame.h.
frame()
{
	local name=$1 token=$2

	shift 2
	inside "$name" "$PROBE" frame "${interface:-eth0}" "token=$token" "$@"
}

# arrivals CONTAINER TOKEN: how many have arrived so far.
arrivals()
{
	grep -c -x -F -- "$2" "$scratch/watch-$1" || true
}

# settle: what has been sent has arrived, or never will.
settle()
{
	sleep 0.1
}

arrived()
{
	(($(arrivals "$1" "$2") > 0))
}

# dropped REASON: packets dropped for it so far.
dropped()
{
	packets_dropped "$1" <<<"$(epgctl -j drops)"
}

# packets_dropped REASON: the same, by what epgctl has told.
packets_dropped()
{
	jq "[.drops[] | select(.reason == \"$1\") | .packets] | add // 0"
}

# check_drop REASON WHAT VICTIM CONTAINER KEY=VALUE...: a frame from the container does not arrive at the victim, and is
# counted once, for that reason. On failure it tells what has been counted instead.
check_drop()
{
	check_drops "0 arrived, 1 dropped" "$@"
}

# check_drop_beside REASON …: the same, where what the container's kernel sends by itself may be counted beside it.
check_drop_beside()
{
	check_drops "0 arrived, [1-9]* dropped" "$@"
}

# check_drops EXPECTED REASON …: the outcome matches the pattern.
check_drops()
{
	local expected=$1 reason=$2 what="$3: dropped as $2" victim=$4 name=$5 token="drop-$count" before after found

	shift 5
	before=$(epgctl -j drops)
	frame "$name" "$token" "$@" || true
	settle
	after=$(epgctl -j drops)
	found=$(($(packets_dropped "$reason" <<<"$after") - $(packets_dropped "$reason" <<<"$before")))
	found="$(arrivals "$victim" "$token") arrived, $found dropped"
	# shellcheck disable=SC2053 # a pattern
	if [[ $found == $expected ]]; then
		pass "$what"
	else
		not_pass "$what" "$found" \
			"$(comm -13 <(jq -c '.drops[]' <<<"$before" | sort) <(jq -c '.drops[]' <<<"$after" | sort))"
	fi
}

# check_frame WHAT VICTIM CONTAINER KEY=VALUE...: such a frame does arrive.
check_frame()
{
	local what=$1 victim=$2 name=$3 token="pass-$count"

	shift 3
	frame "$name" "$token" "$@" || true
	wait_for 1 arrived "$victim" "$token" || true
	check_same "$what: arrives" 1 "$(arrivals "$victim" "$token")"
}

# mac_of CONTAINER [INTERFACE]
mac_of()
{
	inside "$1" ip -j link show "${2:-eth0}" | jq -r '.[0].address'
}
