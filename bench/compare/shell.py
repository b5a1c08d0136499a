# SPDX-License-Identifier: GPL-2.0-only
"""Running other programs, and telling what goes on."""
import os
import subprocess
import sys
import time


class Failure(Exception):
    """A program failed; the text says which and why."""


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def name_of(command):
    """The program's, where one is run by another one too."""
    words = [str(word) for word in command if not str(word).startswith("-")]
    return words[1 if words[0] == "nsenter" else 0].rsplit("/", 1)[-1]


def run(command, text=None, check=True, timeout=1200, directory=None):
    """Runs a command given as a list and returns its standard output; raises Failure with what it said."""
    done = subprocess.run([str(word) for word in command], input=text, text=True, capture_output=True,
                          timeout=timeout, cwd=directory, check=False)
    if check and done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        errors = [line for line in lines if "rror" in line]
        name = name_of(command)
        raise Failure(f"{name}: {(errors or lines[-1:])[0].removeprefix(f'{name}: ')}")
    return done.stdout


def run_peak(command):
    """Runs a command; returns the most memory that it had, in bytes."""
    with subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True) as child:
        words = child.stderr.read().strip()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise Failure(f"{name_of(command)}: {(words.splitlines() or ['it failed'])[0]}")
    return usage.ru_maxrss * 1024


def timed(function, *arguments):
    """How long a call takes, in seconds."""
    start = time.monotonic()
    function(*arguments)
    return time.monotonic() - start


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()
