/* SPDX-License-Identifier: GPL-2.0-only */
/* Large policies of several shapes, as text. */
#ifndef SCALE_POLICY_H
#define SCALE_POLICY_H

#include <stdio.h>

struct scale_shape {
	const char *name;
	const char *unit;  /* what is counted */
	unsigned int most; /* the largest size that the shape has */
	void (*write)(FILE *out, unsigned int size);
};

extern const struct scale_shape scale_shapes[];
extern const unsigned int scale_n_shapes;

/* NULL: there is none of the name. */
const struct scale_shape *scale_shape(const char *name);

#endif
