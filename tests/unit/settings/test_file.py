"""Configuration files: every problem in one run, at its place, with a hint; reloading keeps what was good."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from scp_node.errors import ConfigurationError
from scp_node.settings.file import SettingsSource, load_settings
from tests.support.checkout import CONFIG

GOOD = """\
node: {ae_title: HILUM}
remote_aes:
  pacs: {ae_title: ORTHANC, host: 127.0.0.1, port: 4242, may_send: true}
routes:
  - {name: chest, model: pneumonia, to: [pacs]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "node.yaml"


def problems(file: Path, text: str) -> list[str]:
    """The problems of a configuration, without the name of the file."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    return str(caught.value).replace(f"{file}:", "").splitlines()


def test_the_shipped_configuration_loads() -> None:
    settings = load_settings(CONFIG / "node.yaml")
    assert settings.node.ae_title == "HILUM"
    assert settings.routes[0].when.from_ == ["pacs"]


def test_all_problems_of_a_file_are_told_in_one_run_in_the_order_of_the_file(file: Path) -> None:
    text = """\
node:
  ae_title: A_TITLE_THAT_IS_TOO_LONG
  port: 0104
  bind: localhost
  color: red
remote_aes:
  pacs: {ae_titel: ORTHANC, host: "http://x", port: 99999, may_send: yes}
  other: {ae_title: 1234, host: h}
routes:
  - name: Chest Films
    when: {from: [pac], modality: [cr], view: [XX]}
    model: pneumonia@1
    results: heatmap
    to: [other, archive, other]
  - {name: second, model: pneumonia, to: []}
report: {sop_class: comprehensive3d, quiet_period_s: -1, data_dir: x}
logging:
delivery: {retry_first_s: 50, retry_max_s: 5}
inference: 7
"""
    assert problems(file, text) == [
        "2:13: node.ae_title: an AE title has 1 to 16 characters, this one has 24",
        "3:9: node.port: must be a whole number; this is '0104'",
        "    Write the number without quotes and without leading zeros.",
        "4:9: node.bind: 'localhost' is not an IP address; 0.0.0.0 listens on all, 127.0.0.1 on this machine",
        "5:3: node.color: unknown key",
        "    Known keys: ae_title, bind, port, data_dir, host_id, host_sign_s.",
        "7:10: remote_aes.pacs.ae_titel: unknown key",
        "    Did you mean 'ae_title'?",
        "7:35: remote_aes.pacs.host: 'http://x' is not a host name or IP address; the port has its own key",
        "7:53: remote_aes.pacs.port: must be at most 65535; this is 99999",
        "7:70: remote_aes.pacs.may_send: must be true or false; this is 'yes'",
        "    Write true or false, in lower case and without quotes.",
        "8:3: remote_aes.other.port: missing (required)",
        "    TCP port where it listens.",
        "8:21: remote_aes.other.ae_title: must be text; this is 1234",
        "    Put it in quotes.",
        "10:11: routes[0].name: must be lower-case letters, digits, '-' and '_'; at most 32; this is 'Chest Films'",
        "11:19: routes[0].when.from[0]: no remote AE is called 'pac'",
        "    Did you mean 'pacs'?",
        "11:36: routes[0].when.modality[0]: 'cr' is not a DICOM code: "
        "at most 16 upper-case letters, digits, spaces, underscores",
        "11:48: routes[0].when.view[0]: must be 'PA', 'AP', 'LL', 'RL', 'LLD', 'RLD', 'LLO' or 'RLO'; this is 'XX'",
        "12:12: routes[0].model: must be a name such as 'pneumonia', or name and version such as 'pneumonia@2.0.0', "
        "with '#sha256:' and 64 digits where it is pinned; this is 'pneumonia@1'",
        "13:14: routes[0].results: must be a list; this is 'heatmap'",
        "    Write [heatmap].",
        "14:17: routes[0].to[1]: no remote AE is called 'archive'",
        "    Known: pacs, other.",
        "14:26: routes[0].to[2]: 'other' is listed twice",
        "15:38: routes[1].to: must have at least 1 entry; this is empty",
        "16:21: report.sop_class: must be 'comprehensive_3d' or 'comprehensive'; this is 'comprehensive3d'",
        "    Did you mean 'comprehensive_3d'?",
        "16:54: report.quiet_period_s: must be at least 0; this is -1",
        "16:58: report.data_dir: unknown key",
        "    This key belongs under node.",
        "17:9: logging: has no value",
        "    What the log shows.",
        "18:44: delivery.retry_max_s: is shorter than retry_first_s",
        "19:12: inference: must be a section with keys of its own; this is 7",
    ]


@pytest.mark.parametrize("title", ["ON", "NO", "0123", "1:30", "2024-01-01"])
def test_an_ae_title_that_yaml_1_1_would_change_is_kept_as_written(file: Path, title: str) -> None:
    file.write_text(GOOD.replace("ORTHANC", title))
    assert load_settings(file).remote_aes["pacs"].ae_title == title


@pytest.mark.parametrize("title", ["1234", "true", "1.10"])
def test_an_ae_title_that_reads_as_something_else_asks_for_quotes(file: Path, title: str) -> None:
    message, hint = problems(file, GOOD.replace("ORTHANC", title))
    assert message.startswith("3:20: remote_aes.pacs.ae_title: must be text")
    assert hint == "    Put it in quotes."


def test_spaces_round_an_ae_title_do_not_count(file: Path) -> None:
    file.write_text(GOOD.replace("ORTHANC", "'  PACS 1 '"))
    settings = load_settings(file)
    assert settings.remote_aes["pacs"].ae_title == "PACS 1"


def test_problems_of_the_yaml_and_of_the_values_come_together(file: Path) -> None:
    text = GOOD.replace("{ae_title: HILUM}", "{ae_title: &a HILUM, port: *a, port: 5, bind: x}")
    assert [line for line in problems(file, text) if not line.startswith(" ")] == [
        "1:18: (syntax): the anchor &a is not allowed here",
        "1:34: (syntax): the alias *a is not allowed here",
        "1:38: node.port: is given twice; the first one is in line 1",
        "1:53: node.bind: 'x' is not an IP address; 0.0.0.0 listens on all, 127.0.0.1 on this machine",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "1:1: (file): is empty"),
        (b"# nothing\n", "1:1: (file): is empty"),
        (b"[node, routes]", "1:1: (file): does not begin with a section such as 'node:'"),
        (b"node", "1:1: (file): does not begin with a section such as 'node:'"),
        (b"node: {\n\tae_title: X}", "2:1: (syntax): a tab in the indentation"),
        (b"node: \xe4", "1:7: (file): byte 0xe4 is not UTF-8"),
        (b"#" * 1_100_000, "1:1: (file): is larger than 1048576 bytes"),
    ],
)
def test_files_that_are_no_configuration_at_all_say_so(file: Path, content: bytes, problem: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    assert str(caught.value).splitlines()[0] == f"{file}:{problem}"


def test_a_file_that_cannot_be_read_is_a_problem_of_its_own(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "absent.yaml", "No such file or directory"),
        (tmp_path, "is a folder, not a file"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            load_settings(path)
        assert str(caught.value) == f"{path}:1:1: (file): cannot be read: {reason}"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("may_send: true", "may_send: false", "2:1: remote_aes: no remote AE may send"),
        ("to: [pacs]}", "to: [pacs]}\n  - {name: chest, model: m, to: [pacs]}", "6:12: routes[1].name: a second route"),
        (
            "routes:",
            "  b: {ae_title: ORTHANC, host: h, port: 1, may_send: true}\nroutes:",
            "4:17: remote_aes.b.ae_title",
        ),
        ("routes:", "inference: {gpu_required: true, providers: [cpu]}\nroutes:", "4:27: inference.gpu_required"),
        (
            "routes:",
            "inference: {providers: [cpu, cpu]}\nroutes:",
            "4:30: inference.providers[1]: 'cpu' is listed twice",
        ),
        (
            "routes:",
            "retention: {results_days: null}\nroutes:",
            "4:27: retention.results_days: is longer than studies_days",
        ),
        ("routes:", "retention: {studies_days: 20, results_days: 9}\nroutes:", "4:1: retention.images_days: is longer"),
    ],
)
def test_contradictions_between_sections_are_found(file: Path, old: str, new: str, problem: str) -> None:
    (line, *_) = problems(file, GOOD.replace(old, new))
    assert line.startswith(problem)


PLAINTEXT_HINT = (
    "    Set tls.profile with certificate, key and ca. Where the network itself is trusted: "
    "tls: {allow_plaintext: true}. For this machine only: bind: 127.0.0.1."
)


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "10.1.2.3"])
def test_plaintext_beyond_this_machine_has_to_be_allowed(file: Path, bind: str) -> None:
    text = GOOD.replace("{ae_title: HILUM}", f'{{ae_title: HILUM, bind: "{bind}"}}')
    message = f"1:31: node.bind: {bind} can be reached from other machines, and tls.profile is off"
    assert problems(file, text) == [message, PLAINTEXT_HINT]
    file.write_text(text + "tls: {allow_plaintext: true}\n")
    assert load_settings(file).node.bind == bind
    for loopback in ("127.0.0.1", "127.0.0.2", "::1"):
        file.write_text(text.replace(bind, loopback))
        assert load_settings(file).node.bind == loopback


PACS = "may_send: true"


@pytest.mark.parametrize(
    ("pacs", "rest", "expected"),
    [
        ("tls: true", "", "remote_aes.pacs.tls: is true, but tls.profile is off"),
        (
            "passcode: x",
            "",
            "remote_aes.pacs.passcode: has no user that it belongs to",
        ),
        (
            "certificate_subject: CN=x",
            "",
            "remote_aes.pacs.certificate_subject: there are no certificates while tls.profile is off",
        ),
        (
            "addresses: [10.0.0.1/8]",
            "",
            "remote_aes.pacs.addresses[0]: '10.0.0.1/8' is not an IP address or network such as 10.1.0.0/16; "
            "did you mean 10.0.0.0/8?",
        ),
        (
            "certificate_sha256: [abc]",
            "",
            "remote_aes.pacs.certificate_sha256[0]: a SHA-256 fingerprint has 64 hexadecimal digits, with or "
            "without colons",
        ),
        (
            "certificate_subject: pacs",
            "",
            "remote_aes.pacs.certificate_subject: 'pacs' is not a subject such as CN=pacs,O=Hospital",
        ),
        ("tls: null", "tls: {profile: bcp195, ca: x}", "tls.profile: bcp195 needs tls.certificate"),
        ("tls: null", "tls: {profile: bcp195, certificate: x}", "tls.profile: bcp195 needs tls.ca"),
        ("tls: null", "tls: {alarm_before_days: 31}", "tls.alarm_before_days: is longer than warn_before_days"),
    ],
)
def test_contradictions_about_protection_are_found(file: Path, pacs: str, rest: str, expected: str) -> None:
    found = problems(file, GOOD.replace(PACS, f"{PACS}, {pacs}") + rest + "\n")
    assert [line.partition(": ")[2] for line in found if not line.startswith(" ")] == [expected]


def test_files_that_are_named_are_relative_to_the_file_and_not_looked_at(tmp_path: Path, file: Path) -> None:
    section = "tls: {profile: bcp195, certificate: node.pem, key: node.key, ca: ca.pem}\n"
    file.write_text(GOOD + section)
    tls = load_settings(file).tls
    assert (tls.certificate, tls.key, tls.ca) == (tmp_path / "node.pem", tmp_path / "node.key", tmp_path / "ca.pem")


def test_senders_may_share_an_ae_title_when_their_addresses_differ(file: Path) -> None:
    def text(first: str, second: str) -> str:
        return GOOD.replace(PACS, f"{PACS}, addresses: {first}").replace(
            "routes:", f"  b: {{ae_title: ORTHANC, host: h, port: 1, may_send: true, addresses: {second}}}\nroutes:"
        )

    file.write_text(text("[10.1.0.0/16]", '[10.2.0.0/16, "fe80::/10"]'))
    assert set(load_settings(file).remote_aes) == {"pacs", "b"}
    for first, second in (("[10.1.0.0/16]", "[10.1.2.3]"), ("[]", "[10.1.2.3]"), ("[10.0.0.0/8]", "[]")):
        assert problems(file, text(first, second)) == [
            "4:17: remote_aes.b.ae_title: 'pacs' already sends as ORTHANC",
            "    Two senders may share an AE title when both have addresses, and no address in common.",
        ]


def test_a_bad_section_does_not_bring_problems_of_other_sections_with_it(file: Path) -> None:
    text = GOOD.replace("may_send: true", "may_sent: true").replace(
        "routes:", "  o t: {ae_title: B, host: h, port: 1, may_send: true}\nroutes:"
    )
    assert [line for line in problems(file, text) if not line.startswith(" ")] == [
        "3:58: remote_aes.pacs.may_sent: unknown key",
        "4:3: remote_aes.o t: a name has letters, digits, '-' and '_'; at most 32; this is 'o t'",
    ]


def test_environment_variables_are_read_where_the_field_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILUM_TEST_PASSWORD", "pass:word")
    file.write_text(GOOD + "storage: {database_url: 'postgresql+psycopg://hilum:${HILUM_TEST_PASSWORD}@db/hilum'}\n")
    settings = load_settings(file)
    assert settings.storage.database_url == "postgresql+psycopg://hilum:pass:word@db/hilum"
    assert "pass:word" not in repr(settings)


def test_environment_variables_elsewhere_missing_or_misspelt_are_problems(file: Path) -> None:
    text = GOOD.replace("127.0.0.1", "'${HOST}'") + "storage: {database_url: 'sqlite:///${NO_SUCH_VARIABLE}${open'}\n"
    assert problems(file, text) == [
        "3:35: remote_aes.pacs.host: ${...} has no meaning here",
        "    Environment variables are read in: remote_aes.*.passcode, systems.*.secret, systems.*.token, "
        "systems.*.password, tls.key_passphrase, storage.database_url, storage.s3.access_key_id, "
        "storage.s3.secret_access_key, "
        "web.oidc.client_secret.",
        "6:25: storage.database_url: ${ is not followed by a name and }",
        "    Write ${NAME}.",
        "6:25: storage.database_url: the environment variable NO_SUCH_VARIABLE is not set",
        "    Set it for the user who runs hilum.",
    ]


@pytest.mark.parametrize("value", ["mysql://u:s3cret@db", "[s3cret]", "{s3cret: 1}", "'${HILUM_TEST_SECRET}'"])
def test_the_value_of_a_field_that_may_hold_a_secret_is_never_shown(
    file: Path, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HILUM_TEST_SECRET", "s3cret")
    assert "s3cret" not in "".join(problems(file, f"{GOOD}storage: {{database_url: {value}}}\n"))


def test_folders_are_relative_to_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "node.yaml").write_text(
        GOOD.replace("{ae_title: HILUM}", "{ae_title: HILUM, data_dir: ../var}") + "inference: {models_dir: models}\n"
    )
    monkeypatch.chdir(tmp_path)
    settings = load_settings(Path("etc/node.yaml"))
    assert settings.node.data_dir == tmp_path / "var"
    assert settings.inference.models_dir == folder / "models"


def test_a_reload_names_the_sections_that_changed(file: Path) -> None:
    file.write_text(GOOD)
    source = SettingsSource(file)
    assert source.reload() == []
    file.write_text(GOOD.replace("4242", "104") + "report: {quiet_period_s: 0}\n")
    assert source.reload() == ["remote_aes", "report"]
    assert source.current.remote_aes["pacs"].port == 104


def test_a_bad_file_on_reload_keeps_the_old_settings_and_logs_every_problem(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(GOOD)
    source = SettingsSource(file)
    before = source.current
    file.write_text(GOOD.replace("4242", "0").replace("HILUM", "'\\'"))
    with caplog.at_level(logging.INFO, logger="scp_node.settings.file"):
        assert source.reload() == []
    assert source.current is before
    records = [record for record in caplog.records if record.message == "configuration problem"]
    assert [vars(record)["place"] for record in records] == [f"{file}:1:18", f"{file}:3:52"]
    assert caplog.records[-1].message == "configuration kept as it was"
    file.unlink()
    assert source.reload() == []
    assert source.current is before


def test_a_source_cannot_begin_with_a_bad_file(file: Path) -> None:
    file.write_text("node: {}")
    with pytest.raises(ConfigurationError):
        SettingsSource(file)
