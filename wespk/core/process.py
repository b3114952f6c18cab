"""Settings of the process itself that make CPU training two to four times faster."""

from __future__ import annotations

import os
import platform
import sys

# The large temporaries of a training step are mapped and unmapped by glibc on every use, and the page faults
# then dominate. These limits keep them on the heap. glibc reads them only when a process starts.
MALLOC_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": str(4 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(8 << 30),
    "MALLOC_TOP_PAD_": str(256 << 20),
}


def restart_with_tuned_malloc(module: str, arguments: list[str]) -> None:
    """Replace this process by itself with the allocator settings above, once, where they help.

    Nothing happens outside glibc, under another allocator (LD_PRELOAD), or when the user has set any of
    them. The process keeps its id, so launchers and torchrun do not notice.
    """
    taken = "LD_PRELOAD" in os.environ or any(name in os.environ for name in MALLOC_SETTINGS)
    if taken or platform.libc_ver()[0] != "glibc":
        return
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], {**os.environ, **MALLOC_SETTINGS})
