"""HTTP connections, and how they are closed when the server ends."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LINGER_SECONDS = 2.0  # in which a request arrives that its client sent before it knew


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's, which as the server ends also answers what is on its way.

    uvicorn closes connections on which nothing runs right when it ceases to listen. One may just have been accepted, or
    be kept by a load balancer, with a request under way: its client would be told of a closed connection instead of an
    answer. So these stay open for ``LINGER_SECONDS``, and close with the answer to a request.
    """

    _ending = False

    def shutdown(self) -> None:
        """Closes with the next answer, or after a moment where nothing is asked."""
        self._ending = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(LINGER_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def on_headers_complete(self) -> None:
        """Begins a request, after whose answer the connection is closed where the server ends."""
        super().on_headers_complete()
        if self._ending and self.cycle is not None:
            self.cycle.keep_alive = False

    def handle_websocket_upgrade(self) -> None:
        """Makes it a WebSocket; the server would wait for one that is opened as it ends."""
        if self._ending:
            self.transport.close()
        else:
            super().handle_websocket_upgrade()
