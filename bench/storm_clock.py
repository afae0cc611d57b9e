"""A machine's clock that can be set while programs run, for those programs alone.

A library of a few lines, compiled here, adds seconds to what the C library says of the time of day; how many stands in
a file that all processes share, so a change is a step for all of them at once, as when somebody sets the clock. The
clock that only runs on (CLOCK_MONOTONIC) stays, as it does there. Not by Debian's libfaketime: it steps that one, too,
unless a variable of the environment says otherwise, and the embedded servers are given no environment.
Programs get the library by a file of the system, in a view of the folders (a mount namespace) that only they have.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile int64_t *shift;
__attribute__((constructor)) static void begin(void) {
    int file = open(SHIFT_FILE, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *place = mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
    if (place != MAP_FAILED) shift = place;
    close(file);
}
int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, id, now);
    if (!failed && shift && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += *shift;
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *place) {
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    if (place) *place = exact.tv_sec;
    return exact.tv_sec;
}
"""
_VIEW = 'mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/work" /etc && shift && exec "$@"'


class SetClock:
    """The clock of the programs that are started by `prefix`, and with `environment`."""

    def __init__(self, folder: Path) -> None:
        """Compile it into this folder, which every account must be able to read.

        Raises:
            OSError: there is no compiler, or this account or system cannot give programs a view of their own.
        """
        self._folder, self._file, library = folder, folder / "shift", folder / "clock.so"
        if sys.platform != "linux" or os.geteuid() or not (shutil.which("cc") and shutil.which("unshare")):
            raise OSError("Setting a clock needs Linux, root, a C compiler and unshare.")
        folder.chmod(0o755)
        self.set(0)
        for name in ("etc", "work"):
            (folder / name).mkdir()
        command = ["cc", "-shared", "-fPIC", "-O1", f'-DSHIFT_FILE="{self._file}"', "-o", str(library), "-xc", "-"]
        done = subprocess.run(command, input=_SOURCE, text=True, capture_output=True, check=False)
        if done.returncode:
            raise OSError(f"The clock was not compiled: {done.stderr}")
        (folder / "etc" / "ld.so.preload").write_text(f"{library}\n", encoding="ascii")
        self.environment: Mapping[str, str] = {"LD_PRELOAD": str(library)}
        """For programs beside those, which only look."""
        if subprocess.run([*self.prefix, "true"], capture_output=True, check=False).returncode:
            raise OSError("No view of the folders can be made here.")

    @property
    def prefix(self) -> tuple[str, ...]:
        """What stands before a command."""
        return ("unshare", "--mount", "sh", "-c", _VIEW, "sh", str(self._folder))

    def set(self, seconds: int) -> None:
        """Let the clock say so many seconds more than this machine's, from now on."""
        mode = "r+b" if self._file.exists() else "wb"
        with self._file.open(mode) as file:  # in its place: it is mapped
            file.write(struct.pack("=q", seconds))
