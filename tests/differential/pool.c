// SPDX-License-Identifier: GPL-2.0-only
#include "pool.h"

const char *const POOL_INTERFACE[POOL_INTERFACES] = {"e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9"};

const uint16_t POOL_PORT[POOL_PORTS] = {0, 1, 22, 53, 80, 90, 443, 1000, 1024, 8080, 40000, 65535};

const uint16_t POOL_ETHER_TYPE[POOL_ETHER_TYPES] = {0x600, 0x8847, 0x88b5, 0xffff};
