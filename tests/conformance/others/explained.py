"""Tests of pynetdicom that fail with our classes, each with its reason: what they ask for is no service of a node.

The list is kept honest by test_pynetdicom_suite.py: a test that fails and is not listed, one that is listed and passes,
and one that is listed and no longer exists are errors. A name without brackets stands for all its parameters.
"""

from __future__ import annotations

_USER = "test_acse.py::TestUserIdentityNegotiation::"
_ASSOC = "test_assoc.py::TestAssociation"
_STORAGE = "test_service_storage.py::TestStorageServiceClass::"
_VERIFICATION = "test_service_verification.py::TestVerificationServiceClass::"
_TRANSPORT = "test_transport.py::"

# Reason: the tests that it explains.
EXPLAINED: dict[str, list[str]] = {
    # User identity: a group of its own, because who may associate is a matter of the configuration.
    "user names and passcodes are looked up in the configuration, no EVT_USER_ID handler is asked": [
        f"{_USER}test_check_usrid_not_authorised",
        *(f"{_USER}test_check_usrid_authorised[req{n}-rsp{n}]" for n in (9, 11, 13, 15, 17, 19)),
        f"{_USER}test_check_usrid_callback_exception",
        f"{_USER}test_functional_not_authorised",
        f"{_USER}test_handler",
        f"{_USER}test_req_response_user_identity",
    ],
    "whoever asks for an answer to its user identity gets one, whatever a handler says (PS3.7 D.3.3.7.2)": [
        *(f"{_USER}test_check_usrid_authorised[req{n}-rsp{n}]" for n in (1, 3, 5, 7)),
        f"{_USER}test_check_usrid_server_response_exception",
        f"{_USER}test_req_response_no_user_identity",
    ],
    "what is not served is answered with 0x0211 (PS3.7 C.5.24)": [
        f"{_ASSOC}SendCEcho::test_run_accept_scp_not_implemented",
    ],
    "C-ECHO is answered with 0x0000 by the node itself, no EVT_C_ECHO handler is asked": [
        f"{_ASSOC}::test_dimse_timeout",
        f"{_ASSOC}SendCEcho::test_abort_during",
        f"{_ASSOC}SendCEcho::test_rsp_failure",
        f"{_ASSOC}SendCEcho::test_rsp_multi_status",
        f"{_ASSOC}SendCEcho::test_rsp_unknown_status",
        "test_assoc.py::TestEventHandlingAcceptor::test_optional_args_intervention",
        "test_assoc.py::TestEventHandlingAcceptor::test_unbind_intervention_assoc",
        f"{_STORAGE}test_event_file_meta_bad",
        f"{_VERIFICATION}test_abort",
        f"{_VERIFICATION}test_dimse_network_timeout",
        f"{_VERIFICATION}test_disconnection",
        f"{_VERIFICATION}test_scp_handler_assoc",
        f"{_VERIFICATION}test_scp_handler_context",
        f"{_VERIFICATION}test_scp_handler_request",
        f"{_VERIFICATION}test_scp_handler_return_dataset",
        f"{_VERIFICATION}test_scp_handler_return_dataset_multi",
        f"{_VERIFICATION}test_scp_handler_return_dataset_unknown",
        f"{_VERIFICATION}test_scp_handler_return_int",
        f"{_VERIFICATION}test_timeout",
        f"{_TRANSPORT}TestAssociationServer::test_split_pdu_windows",
        f"{_TRANSPORT}TestAssociationSocket::test_multiple_pdu_acc",
    ],
    "what becomes of a handler that fails is a matter of pynetdicom; a sink of the node never fails": [
        f"{_STORAGE}test_scp_handler_exception",
        f"{_STORAGE}test_scp_handler_exception_default",
        f"{_STORAGE}test_scp_handler_no_status",
    ],
    "a response has a status and an Error Comment, and no other element": [
        f"{_STORAGE}test_scp_handler_return_dataset_multi",
    ],
    "Move Originator is not read: whoever asked for the transfer changes nothing": [
        f"{_STORAGE}test_scp_handler_move_origin",
    ],
    "a data set goes into the spool, and no program is handed the path of a file": [
        f"{_STORAGE}test_scp_handler_dataset_path",
    ],
    "the node writes a log of its own, not the words of pynetdicom's": [
        f"{_ASSOC}::test_invalid_context",
        f"{_ASSOC}SendCEcho::test_network_timeout_release",
    ],
    "an open association keeps the timeouts that it began with": [
        f"{_ASSOC}SendCEcho::test_network_timeout_acceptor",
    ],
    "the node asks nothing of whoever called, so that a response is a breach of protocol": [
        f"{_TRANSPORT}TestAssociationSocket::test_multiple_pdu_req",
    ],
    "an association is ended by its own thread; an abort that another one queues is not seen": [
        "test_acse.py::TestEventHandlingRequestor::test_acse_recv_ap_abort",
    ],
    "the listener waits without polling, and counts no rounds": [
        f"{_TRANSPORT}TestAssociationServer::test_gc",
    ],
}
