#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The example that the README walks through does what the README says.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

make_shop
serve front 80
serve back 80
serve db 5432

check "examples/shop.yaml is applied" epgctl apply -f "$EXAMPLES/shop.yaml"
check "front gets its page from back" gets front 10.1.0.3 80
check "back reaches its database" gets back 10.1.0.4 5432
check_not "front does not reach the database" gets front 10.1.0.4 5432
check_not "db reaches nobody" gets db 10.1.0.3 80
check "explain permits what passes" epgctl explain -s shop-front -d 10.1.0.3 tcp/80
check_exit "explain denies what does not" 1 "" epgctl explain -s shop-front -d 10.1.0.4 tcp/5432
finish
