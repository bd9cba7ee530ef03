"""From an OpenVINO IR to a TFLite file, without either framework.

Only numpy and the standard library: the same weights give the same bytes everywhere, so that the hash of the result
can be pinned. Reads the operations that face-reidentification-retail-0095 uses and refuses any other.
"""

from __future__ import annotations

from models.convert.graph import convert
from models.convert.ir import Unconvertible

__all__ = ["Unconvertible", "convert"]
