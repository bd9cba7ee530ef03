"""Errors of models and inference.

ModelError(EidError)
├── ModelMissing          the file is in no store; says file, SHA-256 and public origin
├── ModelHashWrong        the file is there but is not the file the manifest names
├── ModelUnusable         it does not load, or its inputs or outputs are not those of the manifest
├── DemoModelRefused      it is for demo and tests, and this is a station for real persons
├── RuntimeMissing        no TFLite runtime is installed
└── EmbeddingMismatch     embeddings of different models or alignments must not be compared
"""

from __future__ import annotations

from wire.errors import EidError


class ModelError(EidError):
    """Root of the branch."""

    message_id = "error.model.text"


class ModelMissing(ModelError, FileNotFoundError):
    """Parameters: file, sha256, origin."""

    message_id = "error.model.missing"


class ModelHashWrong(ModelError):
    """Parameters: file, expected, found."""

    message_id = "error.model.hash"


class ModelUnusable(ModelError):
    """Parameters: file, reason."""

    message_id = "error.model.unusable"


class DemoModelRefused(ModelError):
    """Parameters: model (its id)."""

    message_id = "error.model.demo"


class RuntimeMissing(ModelError, ImportError):
    """Parameters: wanted."""

    message_id = "error.model.runtime"


class EmbeddingMismatch(ModelError, ValueError):
    """Parameters: left, right (model ids)."""

    message_id = "error.model.mismatch"
