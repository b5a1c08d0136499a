#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# No process of ours has to live: the policy holds when all are gone, and a monitor that dies takes nothing with it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_shop
serve back 80
serve db 80
epgctl -q apply -f "$POLICIES/shop.yaml"

background nsenter --net="/run/netns/$host" "$EPGCTL" --pin "$PIN" monitor >"$scratch/events"
monitor=$child
sleep 0.5
check "the monitor sees a permitted flow" gets front 10.1.0.3 80
check "and says so" wait_for 5 grep -q 'shop/store/front' "$scratch/events"
kill -KILL "$monitor"
wait "$monitor" 2>/dev/null || true

check_same "no process of ours is left that uses this instance" "" "$(pgrep -f -- "--pin $PIN" || true)"
check "what is permitted passes" gets front fd00:1::3 80
check_not "what is not is dropped" gets front 10.1.0.4 80
check "the next epgctl finds everything in place" test "$(json .generation status)" -eq 1
check "unload takes everything away" epgctl unload
check_not "the pin directory too" test -e "$PIN/control"
check "the interfaces are free again" gets front 10.1.0.4 80
finish
