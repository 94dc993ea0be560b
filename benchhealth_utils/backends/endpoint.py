"""An address, a key and a client: what a model behind an API has in either protocol."""

from __future__ import annotations

import os
from importlib import import_module

from . import Request
from .responses import (
    PATIENT,
    TIMEOUT,
    check_endpoint,
    connected,
    is_this_machine,
    key_of,
    place,
)
from .sdk_errors import as_fault


class Endpoint:
    """What a protocol is built on; it says the following of itself.

    Attributes
    ----------
    vendor : str
        Address of the vendor.
    address, key : str
        Environment variables: another address, and the key.
    without_key : str
        What to say beside where there is no key.
    package, client : str
        The SDK, and its asynchronous client.
    """

    vendor = address = key = package = client = ""
    without_key = ""

    def __init__(self, name: str, model: str):
        self.name, self.model = name, model
        self._sdk, self._opened = import_module(self.package), None
        self.endpoint = check_endpoint(self._named(), name)
        self.place = place(self.endpoint, self.vendor)
        self.timeout = PATIENT if is_this_machine(self.endpoint) else TIMEOUT
        self._key = key_of(self.key, self.endpoint, name, self.without_key)

    @classmethod
    def _named(cls) -> str:
        return os.environ.get(cls.address) or cls.vendor

    @classmethod
    def is_vendor(cls) -> bool:
        """Whether it is the vendor's own address that would be asked."""
        return cls._named().rstrip("/") == cls.vendor

    def _open(self):
        """The client, which belongs to the event loop that asks."""
        if self._opened is None:
            kind = getattr(self._sdk, self.client)
            self._opened = connected(self._sdk, kind, self._key, self.endpoint, self.timeout)
        return self._opened

    async def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        opened, self._opened = self._opened, None
        if opened:
            await opened.close()

    def _fault(self, error: Exception, request: Request) -> Exception:
        return as_fault(error, self.name, self.place, request)
