"""What an answer that brings no file means: not there, not now, or not for us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taxi_platform.errors import SourceError, SourceFileError
from taxi_platform.resources.sources.web.patience import TryAgainError, retry_after_s

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

GONE = (404, 410)
FORBIDDEN = 403
_NOT_NOW = (408, 425, 429)
_PAGES = ("text/html", "application/xhtml+xml", "application/xml", "text/xml")


def refuse_status(response: BaseHTTPResponse, name: str, url: str) -> None:
    """Let 200 and 206 pass.

    Raises:
        TryAgainError: The host cannot answer now.
        SourceError: It will not.
    """
    status = response.status
    if status in (200, 206):
        return
    # From a publisher that says 404 where nothing is, 403 is the answer to who asks too often.
    if status in (FORBIDDEN, *_NOT_NOW) or status >= 500:
        raise TryAgainError(f"answered {status}", retry_after_s(response.headers.get("Retry-After")))
    raise SourceError(f"{name}: {url} answered {status}, which no retry will change. Nothing was kept.")


def refuse_page(response: BaseHTTPResponse, name: str, url: str) -> None:
    """Refuse an answer that calls itself a page.

    Raises:
        SourceFileError: It does.
    """
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in _PAGES:
        raise page_error(name, url)


def is_page(start: bytes) -> bool:
    """Whether a body that starts like this is HTML or XML, whatever it is called."""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def page_error(name: str, url: str) -> SourceFileError:
    return SourceFileError(
        f"{name}: {url} answered with a page, not with trips. Nothing was kept. Open it in a browser to see which."
    )
