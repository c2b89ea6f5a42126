"""Servers whose headers make no sense."""

from pathlib import Path

import pytest
import server as loopback

from workflow.datasets import fetch as module
from workflow.datasets.fetch import ATTEMPTS, fetch
from workflow.datasets.source import Source

BODY = bytes(range(256))
NONSENSE = {
    "a redirect to no URL": (302, {"Location": "http://[::1/x"}),
    "a redirect to a host in no encoding": (302, {"Location": "http://\xff\xfe..com/"}),
    "a redirect to a file": (302, {"Location": "file:///etc/passwd"}),
    "a size that is no number": (200, {"Content-Length": "\xb2"}),
    "a size of 5,000 digits": (206, {"Content-Range": f"bytes 0-9/{'9' * 5000}"}),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_a_server_that_answers_nonsense_leads_to_the_next_mirror(server, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(module, "sleep", lambda seconds: None)
    code, headers = NONSENSE[kind]
    server.files |= {"/bad/set.zip": BODY, "/good/set.zip": BODY}
    server.faults["/bad/set.zip"] = [loopback.answer(code, headers)] * (ATTEMPTS + 1)
    found = fetch([Source(server.url(f"/{name}/set.zip")) for name in ("bad", "good")], tmp_path, "key")
    assert Path(found["file"]).read_bytes() == BODY
    assert [path for path, _ in server.log] == ["/bad/set.zip"] * (ATTEMPTS + 1) + ["/good/set.zip"]
