"""A certificate that cannot be verified: explained, and accepted only where a host is named."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import server as loopback

from workflow.datasets import fetch as module
from workflow.datasets.fetch import fetch
from workflow.datasets.source import Source
from workflow.storage.errors import InputError


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[loopback.Served]:
    """A server whose certificate nobody has signed."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run([*command, "-days", "2", *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    served, stop = loopback.start(context)
    yield served
    stop()


def test_the_sentence_names_the_remedy_and_the_opt_out_is_by_host(secure, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(module, "sleep", lambda seconds: None)
    secure.files["/set.zip"] = b"content"
    sources = (Source(secure.url("/set.zip")),)
    for hosts in ([], ["example.org"]):
        with pytest.raises(InputError, match=r"certificate of 127\.0\.0\.1 cannot be verified .*`insecure_tls`"):
            fetch(sources, tmp_path, "datasets.set.source", hosts)
    assert secure.log == []
    got = fetch(sources, tmp_path, "datasets.set.source", ["127.0.0.1"])
    assert Path(got["file"]).read_bytes() == b"content"
    assert "warning: the TLS certificate of 127.0.0.1 is not verified" in capsys.readouterr().err
