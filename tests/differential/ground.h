/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rig stands on: privilege, a network namespace, a pin directory; and how it says that it can't go on. */
#ifndef EPG_TEST_GROUND_H
#define EPG_TEST_GROUND_H

#include <stdbool.h>
#include <stdint.h>

/* NULL: BPF can be had; else why not. Mounts the BPF file system where it is not mounted. */
const char *ground_lacks(void);

/* Moves the process into a network namespace of its own, in which nobody talks. */
void ground_network(void);
/* Adds a veth pair, both ends up, and returns the index of the end with this name. */
uint32_t ground_interface(const char *name);

/* A pin directory of this process, which does not exist yet. */
const char *ground_pin(void);

/* Ends the process, with the reason, when what must be true is not. */
#define GROUND_CHECK(true_so_far, ...)               \
	do {                                         \
		if (!(true_so_far))                  \
			ground_give_up(__VA_ARGS__); \
	} while (0)
__attribute__((noreturn, format(printf, 1, 2))) void ground_give_up(const char *format, ...);

#endif
