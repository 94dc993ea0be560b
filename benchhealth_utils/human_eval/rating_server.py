"""The server of the rating page: Voilà on this machine's loopback, and nothing but the page.

``python -m benchhealth_utils.human_eval.rating_server FOLDER [--port PORT] [--base-url /rating/]``
"""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from traitlets.config import Config
from voila.app import Voila

from ..schema import ROOT, BenchHealthError
from .__main__ import place
from .folder_study import open_study
from .rating_visitors import INSTEAD, VisitorsKernels

HOST = "127.0.0.1"
NOTEBOOK = ROOT / "notebooks" / "rate.ipynb"
PAGE = Path(__file__).parent / "_page"
IDLE = 3600  # seconds without a browser, after which a visitor's kernel ends
POLICY = (  # what a browser may load: this server, and what is in the page
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
UNUSED = ("/login", "/logout")  # the server's own; raters log in on the page
OUTWARD = frozenset(
    "status comm_open comm_msg comm_close comm_info_reply kernel_info_reply".split()
)


class QuietConnection(ZMQChannelsWebsocketConnection):
    """Passes a kernel's widget messages to the browser; what it prints goes to the log.

    A traceback names files, so none may reach a rater.
    """

    def handle_outgoing_message(self, stream, outgoing_msg):
        _, parts = self.session.feed_identities(outgoing_msg)
        kind = self.session.unpack(parts[1])["msg_type"]
        if kind in OUTWARD:
            super().handle_outgoing_message(stream, outgoing_msg)
        elif kind in ("stream", "error"):
            said = self.session.unpack(parts[4])
            self.log.error("%s", said.get("text") or "\n".join(said["traceback"]))


class RatingServer(Voila):
    """Voilà, which says where it is once it listens, and opens no browser."""

    def init_handlers(self):
        routes = [route for route in super().init_handlers() if route[0] not in UNUSED]
        return [(path, INSTEAD.get(kind, kind), *rest) for path, kind, *rest in routes]

    def launch_browser(self):
        print(f"http://{HOST}:{self.port}{self.base_url}\nStop with Ctrl+C.", flush=True)


def configuration(port: int, base_url: str = "/") -> Config:
    """What Voilà is told: one notebook, no sources, no files, no tracebacks."""
    config = Config()
    config.RatingServer.update(
        ip=HOST,
        port=port,
        base_url=base_url,
        port_retries=0,
        notebook_path=str(NOTEBOOK),
        kernel_websocket_connection_class=QuietConnection,
        tornado_settings={
            "headers": {
                "Content-Security-Policy": POLICY,
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            }
        },
    )
    config.VoilaConfiguration.update(
        template="rating",
        allow_template_override="NO",
        allow_theme_override="NO",
        multi_kernel_manager_class=VisitorsKernels,
        strip_sources=True,
        show_tracebacks=False,
        file_allowlist=[],
        file_denylist=[".*"],
        extension_allowlist=[
            "@jupyter-widgets/jupyterlab-manager",
            "@voila-dashboards/widgets-manager8",
        ],
    )
    config.MappingKernelManager.update(
        cull_idle_timeout=IDLE, cull_interval=60, cull_connected=False
    )
    config.KernelRestarter.restart_limit = 0  # a new kernel would not know who is logged in
    return config


def serve(folder: str | Path, port: int = 0, base_url: str = "/") -> None:
    """Serve a study's rating page until the process is stopped.

    Parameters
    ----------
    folder : path-like
        The study.
    port : int
        On 127.0.0.1; 0 takes a free one.
    base_url : str
        The path under which a proxy passes the page on, with a slash at both ends.

    Raises
    ------
    BenchHealthError
        If the folder is no study, or the port is taken.
    """
    study = open_study(folder)
    try:
        with socket.create_server((HOST, port)) as probe:
            port = probe.getsockname()[1]
    except OSError as error:
        raise BenchHealthError(
            f"Port {port} of {HOST} cannot be used ({error.strerror}). Name another, or none."
        ) from None
    os.environ["BENCHHEALTH_STUDY"] = str(study.folder.resolve())
    paths = [str(PAGE), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(paths)
    # settings of the user's own Jupyter are not read: they could open what is closed here
    app = RatingServer.instance(
        config=configuration(port, base_url), config_file_paths=[], log_level="ERROR"
    )
    app.initialize([])
    app.start()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the rating page of a study.")
    parser.add_argument("folder", type=place, help="a path, or a name under runs/human_eval")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--base-url", default="/", help="where a proxy shows it, as /rating/")
    arguments = parser.parse_args()
    try:
        serve(arguments.folder, arguments.port, arguments.base_url)
    except BenchHealthError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
