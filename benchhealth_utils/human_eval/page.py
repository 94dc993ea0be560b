"""The page on which raters compare two replies: a form server, with no process behind a visitor.

It works without JavaScript; ``page.js`` only saves each choice at once where it may run. It knows a
study through the rater whose session it is: no key, no codes, no file.
"""

from __future__ import annotations

import hmac
import logging
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qsl

import uvicorn
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from .sample import CHOICES, CRITERIA, StudyError, plain
from .study import LONGEST_COMMENT, Study

HERE = Path(__file__).parent
LARGEST = 200_000  # bytes of a form
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
WRONG_CODE = "This code is not known here. Check it against the one you were given."
OUTDATED = "You are logged out. Type your code again; what was marked as saved is safe."
FAILED = "Not saved. Go back and try again, and tell the organiser if this goes on."
log = logging.getLogger(__name__)


class Page:
    """One study's page; `app` is what a server runs."""

    def __init__(self, study: Study):
        self.study = study
        # of this study alone, for a browser keeps one jar for all ports of a machine
        self.cookie = f"rating-{sha256(str(study.path.resolve()).encode()).hexdigest()[:8]}"
        look = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
        self.template = Environment(loader=FileSystemLoader(HERE), **look).get_template("page.html")
        # the page, its style and its script; every other address is not found
        routes = [Route("/", self.answer, methods=["GET", "POST"])]
        routes += [Route(f"/{name}", _file(name)) for name in ("page.css", "page.js")]
        trouble = {StudyError: self.failed, Exception: self.failed}
        self.app = Starlette(routes=routes, exception_handlers=trouble)

    def failed(self, request: Request, error: Exception) -> Response:
        """What a rater is told of trouble; the server's log has the rest."""
        log.error("a request failed: %s", error)
        return self.show("message", FAILED, 503)

    def show(self, view: str, message: str = "", status: int = 200, **given) -> Response:
        """One of the page's views: ``log in``, ``card``, ``end`` or ``message``."""
        given |= {"verdicts": CHOICES, "longest": LONGEST_COMMENT}
        given |= {"view": view, "message": message, "criteria": CRITERIA}
        return HTMLResponse(self.template.render(**given), status, HEADERS)

    async def answer(self, request: Request) -> Response:
        """Show the page, or take a form of it."""
        token = request.cookies.get(self.cookie, "")
        rater = await run_in_threadpool(self.study.rater_of, token)
        form: dict[str, str] = {}
        if request.method == "POST":
            if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
                return self.show("message", FAILED, 403)  # another site sent it
            if int(request.headers.get("content-length", LARGEST + 1)) > LARGEST:
                return self.show("message", FAILED, 413)
            body = (await request.body()).decode("utf-8", "replace")
            form = dict(parse_qsl(body, keep_blank_values=True))
            if "code" in form:
                return await self.log_in(request, form["code"])
        if rater is None:
            return self.show("log in", OUTDATED if form else "", 403 if form else 200)
        given = form.get("token", "").encode()
        if form and not hmac.compare_digest(given, _form_token(token).encode()):
            return self.show("message", FAILED, 403)
        wanted = form.get("at") or request.query_params.get("card", "")
        at = int(wanted) if wanted.isdecimal() and len(wanted) < 6 else 0
        return await run_in_threadpool(self.take if form else self.view, rater, token, at, form)

    async def log_in(self, request: Request, code: str) -> Response:
        """Begin a session; a code has 64 bits, which nobody guesses."""
        token = await run_in_threadpool(self.study.log_in, code)
        if token is None:
            return self.show("log in", WRONG_CODE, 403)
        response = RedirectResponse("?", 303)
        safe = {"httponly": True, "samesite": "lax", "secure": request.url.scheme == "https"}
        response.set_cookie(self.cookie, token, **safe)
        return response

    def take(self, rater: str, token: str, at: int, form: dict[str, str]) -> Response:
        """Save what a card's form says anew, then go where its button leads."""
        study, cards = self.study, self.study.asked(rater)
        if form.get("card") in cards and not study.locked(rater, form["card"]):
            study.rate(rater, self.changes(rater, form))
        to = {"next": at + 1, "back": at - 1, "stay": at}.get(form.get("go"), 0)
        response = RedirectResponse(f"?card={to}" if to > 0 else "?", 303)
        if form.get("go") == "out":
            study.log_out(token)
            response.delete_cookie(self.cookie)
        return response

    def changes(self, rater: str, form: dict[str, str]) -> list[tuple]:
        """What a form says that the page it was sent from did not: a rater may have two open."""
        card, seen = form["card"], form.get("seen", "")[:18]
        known = {"comment": "", "difficult": False}
        known |= self.study.said(rater, int(seen) if seen.isdecimal() else 0).get(card, {})
        said: dict[str, object] = {key: form[key] for key in CRITERIA if form.get(key)}
        said["comment"] = plain(form.get("comment", ""))
        if rater in self.study.raters:
            said["difficult"] = "difficult" in form
        return [(card, key, value) for key, value in said.items() if value != known.get(key)]

    def view(self, rater: str, token: str, at: int, form: dict[str, str]) -> Response:
        """A card of the rater's, the first open one by default, or the page after the last."""
        study, cards = self.study, self.study.asked(rater)
        seen, said = study.last_click(), study.said(rater)
        finished = {*study.done(rater)}
        done = [card in finished for card in cards]
        first = done.index(False) + 1 if False in done else len(cards) + 1
        at = min(at or first, len(cards) + 1)
        given = {"token": _form_token(token), "senior": rater in study.seniors, "seen": seen}
        given |= {"at": at, "total": len(cards), "done": sum(done), "first": first}
        card = cards[at - 1] if at <= len(cards) else ""
        message = study.locked(rater, card)
        if not card:
            return self.show("end", message, **given)
        given |= {"card": card, "others": study.others(rater, card), **study.card(card)}
        return self.show("card", message, said=said.get(card, {}), **given)


def _file(name: str):
    return lambda request: FileResponse(HERE / name, headers=HEADERS)


def _form_token(token: str) -> str:
    """What a form of this session carries, so that no other site's form is taken for it."""
    return sha256(f"form:{token}".encode()).hexdigest()


def serve(study: Study, host: str = "127.0.0.1", port: int = 0) -> None:
    """Serve a study's rating page until the process is stopped.

    Parameters
    ----------
    study : Study
    host : str
        By default this machine alone can reach the page.
    port : int
        0 takes a free one.
    """
    # uvicorn says the address, or why it cannot be had
    uvicorn.run(Page(study).app, host=host, port=port, access_log=False, server_header=False)
