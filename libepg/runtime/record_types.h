/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The type information that was loaded with the programs: with it tools show the fields of maps that are made later. */
#ifndef EPG_RECORD_TYPES_H
#define EPG_RECORD_TYPES_H

#include <bpf/bpf.h>

#include "runtime/internal.h"

struct btf;

struct record_types {
	int fd;
	struct btf *btf;
};

/* Failures are recorded. */
int record_types_open(struct epg *epg, struct instance *instance, struct record_types *ret);
void record_types_close(struct record_types *types);
#define AUTO_RECORD_TYPES __attribute__((cleanup(record_types_close)))
#define RECORD_TYPES_INIT \
	{                 \
		-1, NULL  \
	}

/* Says that the map's keys are indices, and its values structs of this name; where that is unknown, nothing. */
void record_types_describe(const struct record_types *types, const char *record, struct bpf_map_create_opts *options);
/* The same where keys are structs too. */
void record_types_describe_keyed(const struct record_types *types, const char *key, const char *record,
				 struct bpf_map_create_opts *options);

#endif
