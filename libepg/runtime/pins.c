/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The pin directory: paths in it, its file system, its lock. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "runtime/runtime.h"

#define BPF_FILE_SYSTEM "/sys/fs/bpf"
#define BPF_FILE_SYSTEM_MAGIC 0xcafe4a11u

/*
 * A directory beside the pin directory, in which an instance is made or taken down: its name ends like this, the
 * last part as of mkdtemp(3). Whoever works in it holds its lock: one without is a leftover.
 */
#define TEMPORARY_INFIX "~part~"
#define TEMPORARY_RANDOM "XXXXXX"

/* pins_remove goes no deeper: generations/<number>/<table>. */
#define PINS_OPEN_DIRECTORIES 8

int pins_path(struct epg *epg, char path[PATH_MAX], const char *format, ...)
{
	int length = snprintf(path, PATH_MAX, "%s/", epg->pin), rest;
	va_list arguments;

	va_start(arguments, format);
	rest = vsnprintf(path + length, PATH_MAX - length, format, arguments);
	va_end(arguments);
	if (rest < 0 || rest >= PATH_MAX - length)
		return context_fail(epg, EPG_FAILURE_INPUT, -ENAMETOOLONG, epg->pin, "choose a shorter pin directory",
				    "the name of a pin is too long");
	return 0;
}

/*
 * `ip netns exec NAME` gives its command a mount namespace of its own with a fresh /sys, mounted under that name,
 * which hides the BPF file system. Sets `ret` to the name.
 */
static bool find_hiding_namespace(char ret[NAME_MAX + 1])
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char buffer[2 * PATH_MAX], path[NAME_MAX + sizeof("/run/netns/")];
	struct mntent entry;

	ret[0] = '\0';
	while (mounts && getmntent_r(mounts, &entry, buffer, sizeof(buffer)))
		if (!strcmp(entry.mnt_dir, "/sys"))
			snprintf(ret, NAME_MAX + 1, "%s", entry.mnt_fsname);
	if (mounts)
		endmntent(mounts);
	snprintf(path, sizeof(path), "/run/netns/%s", ret);
	return *ret && strcmp(ret, "sysfs") && !strchr(ret, '/') && !access(path, F_OK);
}

static bool is_bpf(const char *path)
{
	struct statfs file_system;

	return !statfs(path, &file_system) && file_system.f_type == BPF_FILE_SYSTEM_MAGIC;
}

static const char *file_system_hint(char text[EPG_ERROR_TEXT])
{
	char name[NAME_MAX + 1];

	if (is_bpf(BPF_FILE_SYSTEM))
		snprintf(text, EPG_ERROR_TEXT, "choose a directory in " BPF_FILE_SYSTEM);
	else if (find_hiding_namespace(name))
		snprintf(text, EPG_ERROR_TEXT,
			 "\"ip netns exec\" hides it: use \"nsenter --net=/run/netns/%.200s\" instead", name);
	else
		snprintf(text, EPG_ERROR_TEXT, "mount it: mount -t bpf bpf " BPF_FILE_SYSTEM);
	return text;
}

/* On a BPF file system: the pin directory itself where it exists, else the one it would be made in. */
static int on_bpf_file_system(const char *pin)
{
	char parent[PATH_MAX];
	struct statfs file_system;
	char *slash;

	snprintf(parent, sizeof(parent), "%s", pin);
	slash = strrchr(parent, '/');
	slash[slash == parent] = '\0';
	if (statfs(pin, &file_system) && (errno != ENOENT || statfs(parent, &file_system)))
		return -errno;
	return file_system.f_type == BPF_FILE_SYSTEM_MAGIC;
}

int pins_check_file_system(struct epg *epg)
{
	int found = on_bpf_file_system(epg->pin);
	char hint[EPG_ERROR_TEXT];

	if (strchr(strrchr(epg->pin, '/'), '.'))
		return context_fail(epg, EPG_FAILURE_INPUT, -EINVAL, epg->pin, "choose a name without dots",
				    "a BPF file system allows no dots in names");
	if (found > 0)
		return 0;
	if (found == -EACCES || found == -EPERM)
		return context_fail_kernel(epg, -EPERM, epg->pin, "can't look at the pin directory");
	if (found == -ENOENT)
		return context_fail(epg, EPG_FAILURE_UNSUPPORTED, -ENOTDIR, epg->pin,
				    "choose a directory directly below an existing one, such as " EPG_DEFAULT_PIN,
				    "the pin directory's parent does not exist");
	return context_fail(epg, EPG_FAILURE_UNSUPPORTED, -ENOTDIR, epg->pin, file_system_hint(hint),
			    "the pin directory is not on a BPF file system");
}

int pins_fail_not_loaded(struct epg *epg)
{
	int found = on_bpf_file_system(epg->pin);
	char text[EPG_ERROR_TEXT];
	const char *hint = "load it: epgctl load, or epgctl apply -f FILE";

	if (found == -EACCES || found == -EPERM)
		return context_fail_kernel(epg, -EPERM, epg->pin, "can't look at the pin directory");
	if (found == 0)
		hint = file_system_hint(text);
	return context_fail(epg, EPG_FAILURE_UNSUPPORTED, -ENODEV, epg->pin, hint, "epg is not loaded");
}

/* An unload may have taken the directory away, and a load made another one, while we waited. */
static bool still_there(const char *pin, int fd)
{
	struct stat opened, named;

	return !fstat(fd, &opened) && !stat(pin, &named) && opened.st_dev == named.st_dev &&
	       opened.st_ino == named.st_ino;
}

int pins_lock(struct epg *epg)
{
	for (;;) {
		AUTO_CLOSE int fd = open(epg->pin, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
			return pins_fail_not_loaded(epg);
		if (fd < 0)
			return context_fail_kernel(epg, -errno, epg->pin, "can't open the pin directory");
		if (flock(fd, LOCK_EX))
			return context_fail_kernel(epg, -errno, epg->pin, "can't lock the pin directory");
		if (still_there(epg->pin, fd))
			return TAKE_FD(fd);
	}
}

bool pins_loaded(struct epg *epg)
{
	char path[PATH_MAX];
	struct stat status;

	return !pins_path(epg, path, "control") && !stat(path, &status);
}

int pins_make_temporary(struct epg *epg, char path[PATH_MAX])
{
	for (;;) {
		AUTO_CLOSE int fd = -1;

		if (snprintf(path, PATH_MAX, "%s%s%s", epg->pin, TEMPORARY_INFIX, TEMPORARY_RANDOM) >= PATH_MAX)
			return context_fail_kernel(epg, -ENAMETOOLONG, epg->pin, "can't make a directory");
		if (!mkdtemp(path))
			return context_fail_kernel(epg, -errno, epg->pin, "can't make a directory beside the pins");
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		/* Before we had the lock, another process may have taken the directory for a leftover. */
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || flock(fd, LOCK_EX))
			return context_fail_kernel(epg, -errno, path, "can't lock the directory");
		if (still_there(path, fd))
			return TAKE_FD(fd);
	}
}

/* Removes a directory that nobody works in. */
static void sweep_one(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		pins_remove(path);
}

void pins_sweep(struct epg *epg)
{
	const char *name = strrchr(epg->pin, '/') + 1;
	size_t parent_length = (size_t)(name - epg->pin), length = strlen(name), infix = strlen(TEMPORARY_INFIX);
	char path[PATH_MAX + NAME_MAX];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "%.*s", (int)parent_length, epg->pin);
	directory = opendir(path);
	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		if (strncmp(entry->d_name, name, length) || strncmp(entry->d_name + length, TEMPORARY_INFIX, infix) ||
		    strlen(entry->d_name) != length + infix + strlen(TEMPORARY_RANDOM))
			continue;
		snprintf(path + parent_length, sizeof(path) - parent_length, "%s", entry->d_name);
		sweep_one(path);
	}
	closedir(directory);
}

int pins_take_away(struct epg *epg)
{
	char path[PATH_MAX];
	AUTO_CLOSE int fd = pins_make_temporary(epg, path);

	if (fd < 0)
		return fd;
	if (rename(epg->pin, path)) {
		int error = -errno;

		pins_remove(path);
		return context_fail_kernel(epg, error, epg->pin, "can't take the pin directory away");
	}
	pins_remove(path);
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	remove(path);
	return 0;
}

void pins_remove(const char *path)
{
	nftw(path, remove_one, PINS_OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS);
}
