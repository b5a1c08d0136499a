/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Characters of a text, as YAML sees them. */
#ifndef EPG_UTF8_H
#define EPG_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decodes the character at `text`, of which `length` > 0 bytes are there. Returns its bytes, or 0 when it is
 * none: a stray or missing continuation byte, an overlong form, a surrogate, beyond U+10FFFF.
 */
static inline size_t utf8_decode(const char *text, size_t length, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *bytes = (const uint8_t *)text;
	uint32_t code = bytes[0];
	size_t width;

	if (code < 0x80) {
		*ret = code;
		return 1;
	}
	width = code >= 0xf8 ? 0 : code >= 0xf0 ? 4 : code >= 0xe0 ? 3 : code >= 0xc0 ? 2 : 0;
	if (width == 0 || width > length)
		return 0;
	code &= 0x7fu >> width;
	for (size_t i = 1; i < width; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < least[width] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret = code;
	return width;
}

/* YAML counts more characters as line breaks than editors do. */
static inline bool utf8_is_break(uint32_t code)
{
	return code == '\n' || code == '\r' || code == 0x85 || code == 0x2028 || code == 0x2029;
}

/* Characters that may stand in a YAML text. */
static inline bool utf8_is_allowed(uint32_t code)
{
	if (code < 0xa0)
		return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code < 0x7f) || code == 0x85;
	return code != 0xfeff && code != 0xfffe && code != 0xffff;
}

/* Characters that a terminal shows where they stand: no controls, nothing that turns the direction of writing. */
static inline bool utf8_is_harmless(uint32_t code)
{
	if (code < 0xa0)
		return code == '\t' || (code >= 0x20 && code < 0x7f);
	return !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069) && code != 0xfeff;
}

#endif
