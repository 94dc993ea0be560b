"""The API backends, until they stand in `models`."""

from ..models.base import Reply, Request

__all__ = ["Reply", "Request"]
