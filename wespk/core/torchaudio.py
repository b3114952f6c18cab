"""Importing torchaudio where it does not match the installed torch.

torchaudio's package index build is linked to CUDA. Beside a CPU-only torch its import fails, although only
its native extension (two losses that wespk does not use) is at fault. All of its Python code works without.
"""

from __future__ import annotations

import sys
from types import ModuleType

import torch


def import_torchaudio() -> ModuleType:
    """Return torchaudio, standing in for its native extension on a CPU-only torch.

    A torchaudio that imports, and any installation with CUDA, is left as it is.
    """
    try:
        import torchaudio
    except OSError:
        if torch.version.cuda is not None:
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _without_native_code()
        import torchaudio
    return torchaudio


def _without_native_code() -> ModuleType:
    extension = ModuleType("torchaudio._extension")
    values = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "_check_cuda_version": lambda: None,
        "fail_if_no_align": lambda function: function,
    }
    extension.__dict__.update(values)
    return extension
