"""Who may use the server is the server's business: passwords, certificates and accounts of NATS, none of them told."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from studio.errors import BadRequest, NotReady
from tests.ports import free_port
from tests.workers.nats_server import NatsServer
from workers.connection import Connection, Server

ROOT = Path(__file__).parents[2]


def test_a_user_and_a_password_in_the_address_are_used_and_never_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    server = NatsServer(tmp_path / "jetstream", "--user", "painter", "--pass", "s3cret")
    address = server.address.replace("//", "//painter:s3cret@")
    try:
        Connection(Server(address), "test").close()
        for wrong in (server.address, address.replace("s3cret", "s4cret")):
            with pytest.raises(NotReady, match="Check --nats") as refused:
                Connection(Server(wrong), "test")
            assert "not authorized" in str(refused.value) and server.address[7:] in str(refused.value)
            assert refused.value.__suppress_context__
    finally:
        server.kill()
    assert "cret" not in caplog.text + repr(Server(address)) + Server(address).shown


def test_a_server_with_a_certificate_of_its_own_is_trusted_by_its_file(tmp_path: Path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=nats"
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    if subprocess.run([*made.split(), *more], capture_output=True, check=False).returncode:
        pytest.skip("there is no openssl to make a certificate with")
    server = NatsServer(tmp_path / "jetstream", "--tls", "--tlscert", str(certificate), "--tlskey", str(key))
    address = server.address.replace("nats:", "tls:")
    try:
        Connection(Server(address, ca=str(certificate)), "test").close()
        # In a process of its own: nats-py leaves the socket of a refused certificate to the garbage collector.
        command = [sys.executable, "cli.py", "worker", "--nats", address.replace("//", "//me:s3cret@")]
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert refused.returncode == 2 and "CertVerificationError" in refused.stderr
        assert "s3cret" not in refused.stderr and "Traceback" not in refused.stderr
    finally:
        server.kill()


def test_what_is_missing_is_a_sentence(tmp_path: Path):
    nobody = Server(f"nats://127.0.0.1:{free_port()}")
    for server in (
        nobody,
        Server(nobody.address, credentials=str(tmp_path / "no.creds")),
        Server(nobody.address, ca="no.pem"),
    ):
        with pytest.raises(NotReady, match="cannot be"):
            Connection(server, "test")


@pytest.mark.parametrize(
    "address", ["host:4222", "http://host", "nats://", "nats://user:pass@", "nats://[::1", "nats://host:pass", ""]
)
def test_an_address_that_is_none_is_refused_without_being_repeated(address: str):
    with pytest.raises(BadRequest, match="nats://host:4222") as refused:
        Server.found({"DIORAMA_NATS": address})
    assert "pass" not in str(refused.value)


def test_the_environment_names_server_and_files():
    found = Server.found({"DIORAMA_NATS": "tls://a", "DIORAMA_NATS_CREDS": "b.creds", "DIORAMA_NATS_CA": "c.pem"})
    assert found == Server("tls://a", "b.creds", "c.pem")
    assert Server.found({"DIORAMA_NATS": "tls://a"}, "nats://b") == Server("nats://b")
