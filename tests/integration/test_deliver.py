"""Sending to destinations over kept associations, with scripted archives."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydicom.uid import ImplicitVRLittleEndian

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.destinations import Destinations
from scp_node.deliver.part10 import read_part10, reencoded
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR
from tests.support.dicom.objects import small_file
from tests.support.node.delivering import settings_for
from tests.support.peers.archives import scripted_archive
from tests.support.peers.ports import free_port
from tests.support.peers.scripted_peer import accept_all, read_pdu, scripted_peer, store_response, take_store
from tests.support.waiting import until


def test_many_objects_of_many_threads_travel_over_one_association(tmp_path: Path) -> None:
    classes = [COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, SECONDARY_CAPTURE]
    files = [small_file(tmp_path, classes[number % 3]) for number in range(24)]
    with scripted_archive() as archive:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", archive.port)}))
        with ThreadPoolExecutor(6) as threads:
            outcomes = list(threads.map(lambda path: destinations.send("pacs", path), files))
        assert destinations.connections_opened("pacs") == 1
        destinations.close()
        until(lambda: archive.released == 1, "the association is released")
    assert all(outcome.code == "stored" for outcome in outcomes)
    assert archive.associations == 1
    assert archive.callers == ["HILUM"]
    for path in files:
        file = read_part10(path)
        assert archive.received[file.sop_instance_uid] == path.read_bytes()[file.dataset_offset :]


def test_an_archive_that_takes_implicit_only_gets_the_same_values_in_implicit(tmp_path: Path) -> None:
    path = small_file(tmp_path)
    with scripted_archive(syntaxes=["1.2.840.10008.1.2"]) as archive:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", archive.port)}))
        outcome = destinations.send("pacs", path)
        destinations.close()
    file = read_part10(path)
    assert outcome.sent
    assert archive.syntaxes == [ImplicitVRLittleEndian]
    assert archive.received[file.sop_instance_uid] == reencoded(file, ImplicitVRLittleEndian)


def test_an_idle_association_is_released_and_a_new_one_opened(tmp_path: Path) -> None:
    with scripted_archive() as archive:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", archive.port)}, keep_open_s=0.2))
        assert destinations.send("pacs", small_file(tmp_path)).sent
        until(lambda: archive.released == 1, "the association is released")
        assert destinations.send("pacs", small_file(tmp_path)).sent
        assert destinations.connections_opened("pacs") == 2
        destinations.close()


def test_without_keeping_open_each_object_has_its_association(tmp_path: Path) -> None:
    with scripted_archive() as archive:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", archive.port)}, keep_open_s=0))
        for _ in range(3):
            assert destinations.send("pacs", small_file(tmp_path)).sent
        until(lambda: archive.released == 3, "the association is released")
        destinations.close()
    assert archive.associations == 3


def test_an_archive_that_was_restarted_gets_the_next_object_at_once(tmp_path: Path) -> None:
    port = free_port()
    destinations = Destinations(settings_for({"pacs": ("ARCHIVE", port)}))
    with scripted_archive(port=port):
        assert destinations.send("pacs", small_file(tmp_path)).sent
    assert destinations.send("pacs", small_file(tmp_path)).code == "connection-refused"
    with scripted_archive(port=port) as second:
        assert destinations.send("pacs", small_file(tmp_path)).sent
        assert destinations.connections_opened("pacs") == 2
        assert len(second.received) == 1
        destinations.close()


def test_an_archive_that_dies_under_a_kept_association_gets_the_object_on_a_new_one(tmp_path: Path) -> None:
    """The first connection answers one store and ends with the second one; the next connection works."""
    connections: list[socket.socket] = []

    def play(connection: socket.socket) -> None:
        connections.append(connection)
        first = len(connections) == 1
        accept_all(connection)
        connection.sendall(store_response(*take_store(connection)))
        request = take_store(connection)
        if first:
            connection.shutdown(socket.SHUT_RDWR)
        else:
            connection.sendall(store_response(*request))
            read_pdu(connection)

    with scripted_peer(play) as port:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", port)}))
        assert [destinations.send("pacs", small_file(tmp_path)).code for _ in range(3)] == ["stored"] * 3
        assert destinations.connections_opened("pacs") == 2
        destinations.close()


def test_an_archive_that_releases_an_idle_association_is_answered_politely(tmp_path: Path) -> None:
    answered = threading.Event()

    def play(connection: socket.socket) -> None:
        accept_all(connection)
        connection.sendall(store_response(*take_store(connection)))
        if not answered.is_set():
            connection.sendall(b"\x05\0\0\0\0\x04\0\0\0\0")
            if read_pdu(connection)[0] == 0x06:
                answered.set()
        else:
            read_pdu(connection)

    with scripted_peer(play) as port:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", port)}))
        assert destinations.send("pacs", small_file(tmp_path)).sent
        time.sleep(0.2)  # the release request is on its way
        assert destinations.send("pacs", small_file(tmp_path)).sent
        assert answered.is_set()
        assert destinations.connections_opened("pacs") == 2
        destinations.close()


def test_a_stuck_destination_does_not_hold_up_another(tmp_path: Path) -> None:
    leave = threading.Event()

    def stuck(connection: socket.socket) -> None:
        accept_all(connection)
        take_store(connection)
        leave.wait(20)

    with scripted_peer(stuck) as port, scripted_archive() as archive:
        settings = settings_for({"stuck": ("ARCHIVE", port), "pacs": ("ARCHIVE", archive.port)}, response_timeout_s=15)
        destinations = Destinations(settings)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(destinations.send, "stuck", small_file(tmp_path))
            for _ in range(5):
                assert destinations.send("pacs", small_file(tmp_path)).sent
            assert not waiting.done()
            leave.set()
            assert waiting.result().code in ("connection-lost", "response-timeout")
        destinations.close()


def test_changed_settings_move_the_destination(tmp_path: Path) -> None:
    with scripted_archive() as old, scripted_archive() as new:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", old.port)}))
        assert destinations.send("pacs", small_file(tmp_path)).sent
        destinations.reload(settings_for({"pacs": ("ARCHIVE", old.port)}))
        assert destinations.connections_opened("pacs") == 1  # nothing changed: the association stays
        destinations.reload(settings_for({"pacs": ("ARCHIVE", new.port)}))
        until(lambda: old.released == 1, "the association is released")
        assert destinations.send("pacs", small_file(tmp_path)).sent
        assert (len(old.received), len(new.received)) == (1, 1)
        destinations.close()
