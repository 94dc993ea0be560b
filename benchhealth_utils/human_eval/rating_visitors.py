"""Whose kernel is whose: each answers to the browser whose visit started it, and to no other.

A kernel's id is no secret: it is in the address of its connection, which a proxy may log.
What counts is the visitor's cookie, signed by the server and out of reach of scripts.
"""

from __future__ import annotations

from jupyter_server import CallContext
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import TemplateStaticFileHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler


class VisitorsKernels(AsyncMappingKernelManager):
    """Kernels that know for whose visit they were started."""

    async def start_kernel(self, **given) -> str:
        visitor = CallContext.get(CallContext.JUPYTER_HANDLER).current_user.username
        kernel_id = await super().start_kernel(**given)
        self.get_kernel(kernel_id).visitor = visitor
        return kernel_id


class OwnKernelOnly:
    """Refuses, before anything is done, a request about a kernel that is not the visitor's.

    Whether there is such a kernel makes no difference to the answer.
    """

    async def prepare(self):
        await super().prepare()
        (kernel_id,) = (*self.path_args, *self.path_kwargs.values())
        kernels = self.kernel_manager
        kernel = kernels.get_kernel(kernel_id) if kernel_id in kernels else None
        owner = getattr(kernel, "visitor", None)
        if owner is None or owner != self.current_user.username:
            raise HTTPError(404)


class OwnKernel(OwnKernelOnly, KernelHandler):
    pass


class OwnConnection(OwnKernelOnly, VoilaKernelWebsocketHandler):
    pass


class OwnShutdown(OwnKernelOnly, VoilaShutdownKernelHandler):
    pass


class TemplateFiles(TemplateStaticFileHandler):
    """Voilà's, which fails on a path that is not one of a template's; here it is not found."""

    async def get(self, path: str, include_body: bool = True) -> None:
        try:
            await super().get(path, include_body)
        except (AssertionError, ValueError):
            raise HTTPError(404) from None


INSTEAD = {
    KernelHandler: OwnKernel,
    VoilaKernelWebsocketHandler: OwnConnection,
    VoilaShutdownKernelHandler: OwnShutdown,
    TemplateStaticFileHandler: TemplateFiles,
}
