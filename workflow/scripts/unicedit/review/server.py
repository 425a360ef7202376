"""The review page's server: on this machine alone, for who knows the address that the command prints.

aiohttp serves it: it is pinned already (the API engines use it), and a page of our own keeps escaping and the content policy in our hands, where a toolkit of widgets
(NiceGUI, gradio) would add some forty packages and inline scripts.
"""

import re
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from jinja2 import Environment, StrictUndefined

from unicedit.errors import PipelineError
from unicedit.review.decision import ReviewError
from unicedit.review.session import Changed, Session

HOST = "127.0.0.1"
MAX_BODY = 256 * 1024  # bytes; ten texts of 5,000 Chinese characters fit
_ROOM = Path(__file__).parent
_GALLERY = _ROOM.parent / "gallery"
# the viewer of two pictures, and the look, are the gallery's
_FILES = {
    "gallery.css": _GALLERY / "gallery.css",
    "rows.js": _GALLERY / "rows.js",
    "viewer.js": _GALLERY / "viewer.js",
    "review.css": _ROOM / "review.css",
    "review.js": _ROOM / "review.js",
}
_TYPES = {".css": "text/css", ".js": "text/javascript"}
_OURS = re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?")  # another port may be a tunnel's
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def serve(session: Session, port: int, tell: Callable[[str], None] = print) -> None:
    """Serve until interrupted; ``tell`` is given the page's address. Port 0 takes any free one. ``PipelineError`` where the port is taken."""
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise PipelineError(f"port {port} of {HOST}: {error.strerror}; choose another one, as PORT=8766") from error
    token = secrets.token_urlsafe(24)
    tell(f"http://{HOST}:{listening.getsockname()[1]}/{token}/")
    web.run_app(application(session, token), sock=listening, print=None, access_log=None, shutdown_timeout=1)


def application(session: Session, token: str) -> web.Application:
    """The page and what it asks, all under ``/<token>/``: another user of the machine, or a page of another site, does not know the address."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=page_of(session), content_type="text/html")

    async def file(request: web.Request) -> web.Response:
        path = _FILES.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8")

    async def row(request: web.Request) -> web.Response:
        return web.json_response(session.row(_number(request)))

    async def picture(request: web.Request) -> web.Response:
        data, kind = session.picture(_number(request), request.match_info["name"])
        return web.Response(body=data, content_type=kind)

    async def decide(request: web.Request) -> web.Response:
        if request.headers.get("Origin") != f"http://{request.host}" or request.content_type != "application/json":
            raise web.HTTPForbidden(text="decisions come from the review page alone")
        body = await request.read()
        try:
            return web.json_response(session.decide(_number(request), body))
        except OSError as error:
            raise web.HTTPInsufficientStorage(text=f"the disk does not take it: {error}") from error

    made = web.Application(middlewares=[_guard(token)], client_max_size=MAX_BODY)
    made.add_routes(
        [
            web.get("/{token}/", page),
            web.get("/{token}/app/{name}", file),
            web.get("/{token}/rows/{number:[0-9]{1,9}}", row),
            web.post("/{token}/rows/{number:[0-9]{1,9}}", decide),
            web.get("/{token}/data/pictures/{number:[0-9]{1,9}}/{name}", picture),
        ]
    )
    return made


def page_of(session: Session) -> str:
    """The page's markup; all else comes as JSON, and is only ever set as text."""
    environment = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    markup = environment.from_string((_ROOM / "page.jinja").read_text(encoding="utf-8"))
    return markup.render(reviewer=session.reviewer, settles=session.settles, start=session.start(), of=len(session.keys))


def _number(request: web.Request) -> int:
    return int(request.match_info["number"])


def _guard(token: str) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Who may ask, what a fault becomes, and the headers of every answer."""
        answer: web.StreamResponse
        try:
            answer = await _answered(request, handler, token)
        except web.HTTPException as error:
            answer = web.Response(status=error.status, text=error.text)
        answer.headers.update(_HEADERS)
        return answer

    return guard


async def _answered(request: web.Request, handler: Handler, token: str) -> web.StreamResponse:
    if not _OURS.fullmatch(request.host):
        # a foreign name that was made to lead to this machine (DNS rebinding)
        raise web.HTTPForbidden(text="this page is at 127.0.0.1 and localhost alone")
    if not secrets.compare_digest(request.match_info.get("token", "").encode(), token.encode()):
        raise web.HTTPNotFound(text="no such page; open the address that `make review` printed")
    try:
        return await handler(request)
    except (IndexError, KeyError):
        raise web.HTTPNotFound from None
    except Changed as error:
        raise web.HTTPConflict(text=str(error)) from error
    except ReviewError as error:
        raise web.HTTPUnprocessableEntity(text=str(error)) from error
