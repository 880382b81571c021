"""One request at a time: timeouts always, redirects followed, bytes as they are, and an honest name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from taxi_platform import __version__
from taxi_platform.errors import SourceError
from taxi_platform.resources.sources.web.host import host_of
from taxi_platform.resources.sources.web.patience import Clock, Patience, TryAgainError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager
    from urllib3.exceptions import HTTPError

USER_AGENT = f"taxi-platform/{__version__} (loads NYC TLC trip records month by month)"

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 5
_CHUNK_BYTES = 1 << 18
_WORTH_DRAINING_BYTES = 1 << 16


class Client:
    """Asks hosts over HTTP, each at its pace. Where a redirect led stays in here: that address may be signed."""

    def __init__(self, min_interval_s: float, patience: Patience, clock: Clock) -> None:
        self._min_interval_s = min_interval_s
        self._patience = patience
        self._clock = clock
        self._pools: dict[str, PoolManager] = {}

    @contextmanager
    def ask(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Iterator[BaseHTTPResponse]:
        """The final answer, whatever its status, its body unread and undecoded.

        Raises:
            TryAgainError: There was none.
            SourceError: The redirects lead nowhere, or the host cannot prove who it is.
        """
        response = self._final_answer(method, url, headers or {})
        try:
            yield response
        except BaseException:
            response.close()
            raise
        _let_go(response)

    def _final_answer(self, method: str, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        place = url
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._answer(method, place, headers, url)
            if response.status not in _REDIRECTS:
                return response
            target = response.headers.get("Location", "")
            _let_go(response)
            place = _redirected(url, place, target)
        raise SourceError(f"{url} redirects in a circle. Nothing was kept.")

    def _answer(self, method: str, url: str, headers: Mapping[str, str], shown: str) -> BaseHTTPResponse:
        from urllib3.exceptions import HTTPError
        from urllib3.util import Timeout

        host_of(urlsplit(url).netloc).wait_for_turn(self._min_interval_s, self._clock)
        try:
            return self._pool(url).request(
                method,
                url,
                headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity", **headers},
                timeout=Timeout(connect=self._patience.connect_timeout_s, read=self._patience.read_timeout_s),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except HTTPError as error:
            _refuse_stranger(error, shown)
            raise in_words(error, self._patience) from None

    def chunks(self, response: BaseHTTPResponse) -> Iterator[bytes]:
        """The body as it comes, and nothing of it twice.

        Raises:
            TryAgainError: It broke off, or stalled.
        """
        from urllib3.exceptions import HTTPError

        while True:
            try:
                chunk = response.read1(_CHUNK_BYTES, decode_content=False)
            except HTTPError as error:
                raise in_words(error, self._patience) from None
            if not chunk:
                return
            yield chunk

    def _pool(self, url: str) -> PoolManager:
        """The connections to `url`: straight, or through the proxy that the environment names."""
        import urllib3

        proxy = _proxy_for(url)
        if proxy not in self._pools:
            parts = urlsplit(proxy)
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
            self._pools[proxy] = (
                urllib3.ProxyManager(proxy, proxy_headers=urllib3.make_headers(proxy_basic_auth=user))
                if proxy
                else urllib3.PoolManager()
            )
        return self._pools[proxy]


def _refuse_stranger(error: HTTPError, url: str) -> None:
    import ssl

    if any(isinstance(arg, ssl.SSLCertVerificationError) for arg in error.args):
        raise SourceError(
            f"{url}: the host's certificate could not be verified. Nothing was kept. Where a proxy brings "
            "certificates of its own, name their file in SSL_CERT_FILE."
        ) from None


def in_words(error: HTTPError, patience: Patience) -> TryAgainError:
    """What urllib3 raised, without its words: they may hold a signed address or a proxy's password."""
    from urllib3 import exceptions as of

    if isinstance(error, of.ConnectTimeoutError) and not isinstance(error, of.NewConnectionError):
        return TryAgainError(f"did not answer within {patience.connect_timeout_s:g} s")
    if isinstance(error, of.ReadTimeoutError):
        return TryAgainError(f"sent nothing for {patience.read_timeout_s:g} s")
    if isinstance(error, of.ProtocolError):
        return TryAgainError("broke off")
    return TryAgainError(f"could not be reached ({type(error).__name__})")


def _let_go(response: BaseHTTPResponse) -> None:
    """Give the connection back for the next request, unless too much would have to be read for it."""
    left = response.length_remaining
    if left is not None and left <= _WORTH_DRAINING_BYTES:
        response.drain_conn()
    response.close()


def _redirected(url: str, place: str, target: str) -> str:
    """Where an answer from `place` sends us; `url` is what was asked for, and all that is ever shown."""
    try:
        new = urljoin(place, target)
        parts = urlsplit(new)
        is_address = bool(target) and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address:
        raise SourceError(f"{url} redirects to what is no address of the web. Nothing was kept.")
    if urlsplit(place).scheme == "https" and parts.scheme != "https":
        raise SourceError(f"{url} redirects from https to http, where anybody could change the file. Nothing was kept.")
    return new


def _proxy_for(url: str) -> str:
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all", "")
    if not proxy or proxy_bypass(parts.netloc):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"
