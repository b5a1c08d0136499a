/* SPDX-License-Identifier: GPL-2.0-only */
/* Gives files to a fuzz target, one after the other: what once was a find stays a test, with any compiler. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_BYTES (1 << 20)

int main(int argc, char **argv)
{
	uint8_t *input = malloc(INPUT_BYTES);

	if (!input)
		return 1;
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t length;
		uint8_t *exact;

		if (!file) {
			perror(argv[i]);
			return 1;
		}
		length = fread(input, 1, INPUT_BYTES, file);
		fclose(file);
		exact = malloc(length ? length : 1); /* so that a read beyond the end is seen */
		if (!exact)
			return 1;
		for (size_t j = 0; j < length; j++)
			exact[j] = input[j];
		LLVMFuzzerTestOneInput(exact, length);
		free(exact);
	}
	free(input);
	return 0;
}
