/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Small things that every source uses: owning locals clean up after themselves, ownership moves visibly. */
#ifndef EPG_UTIL_H
#define EPG_UTIL_H

#include <stdlib.h>
#include <unistd.h>

static inline void util_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void util_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define AUTO_FREE __attribute__((cleanup(util_free)))
#define AUTO_CLOSE __attribute__((cleanup(util_close)))

/* For a type of ours: AUTO(model_free) struct model *model = NULL, after DEFINE_AUTO(struct model, model_free). */
#define DEFINE_AUTO(type, function)                        \
	static inline void auto_##function(type **pointer) \
	{                                                  \
		if (*pointer)                              \
			function(*pointer);                \
	}
#define AUTO(function) __attribute__((cleanup(auto_##function)))

#define TAKE_PTR(pointer)                            \
	({                                           \
		__typeof__(pointer) taken = pointer; \
		(pointer) = NULL;                    \
		taken;                               \
	})

#define TAKE_FD(fd)               \
	({                        \
		int taken = (fd); \
		(fd) = -1;        \
		taken;            \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
