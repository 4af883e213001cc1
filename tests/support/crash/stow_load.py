"""Programs that send by STOW-RS, a few instances a request, and remember what was promised to them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from scp_node.intake.file_meta import file_head
from tests.support.crash.load import DX, Instances
from tests.support.peers.raw_scu import EXPLICIT_LE
from tests.support.waiting import until
from tests.support.web.stow import REFERENCED, stow, uids_in

OF_A_REQUEST = 3
AGAIN_S = 0.02


class StowLoad:
    """Sends from several threads without a pause. acknowledged: SHA-256 by UID; unanswered: what was under way when the
    node has gone."""

    def __init__(self, port: int, token: str, instances: Instances, threads: int = 4) -> None:
        self._url, self._token, self._instances, self._threads = f"http://127.0.0.1:{port}", token, instances, threads
        self.acknowledged: dict[str, str] = {}
        self.unanswered: set[str] = set()
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        self._stop.clear()
        threads = [threading.Thread(target=self._send) for _ in range(self._threads)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def wait_for(self, count: int) -> None:
        """Until so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        until(lambda: len(self.acknowledged) >= wanted, "instances are acknowledged", 60)

    def send_again(self) -> list[int]:
        """What was not answered; the statuses of the answers."""
        with self._client() as client:
            again, self.unanswered = sorted(self.unanswered), set()
            return [self._request(client, [uid]) for uid in again]

    def _send(self) -> None:
        while not self._stop.is_set():
            uids = [self._instances.next()[0] for _ in range(OF_A_REQUEST)]
            try:
                with self._client() as client:
                    self._request(client, uids)
            except httpx.HTTPError:
                self.unanswered.update(uids)
                self._stop.wait(AGAIN_S)

    def _request(self, client: httpx.Client, uids: list[str]) -> int:
        files = [file_head(DX, uid, EXPLICIT_LE) + self._instances.numbered(uid) for uid in uids]
        answer = stow(client, *files)
        stored = uids_in(answer, REFERENCED) if answer.status_code in (200, 202) else []
        self.acknowledged |= {uid: self._instances.sha256(uid) for uid in stored}
        return answer.status_code

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self._token}"}
        return httpx.Client(base_url=self._url, headers=headers, trust_env=False, timeout=30)
