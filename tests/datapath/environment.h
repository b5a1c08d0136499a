/* SPDX-License-Identifier: GPL-2.0-only */
/* What a test needs that talks to the kernel: privilege, a network namespace and a pin directory of its own. */
#ifndef EPG_TEST_ENVIRONMENT_H
#define EPG_TEST_ENVIRONMENT_H

/*
 * Skips the test, with the reason, where BPF can't be had; in CI, where it must not be skipped, fails it instead.
 * Mounts the BPF file system where it is not mounted.
 */
void environment_require_bpf(void);

/* Moves the test into a network namespace of its own, which ends with it, and in which nobody talks but the test. */
void environment_network(void);

/* Adds a veth pair to it, both ends up: `name`, and `name` with "-peer" behind. */
void environment_veth(const char *name);
/* Removes an interface. */
void environment_remove_interface(const char *name);

/* A pin directory of this process, which does not exist yet. What tests that have crashed have left is removed. */
const char *environment_pin(void);

/* Runs a shell command, made as of printf; returns its exit status. */
int environment_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
