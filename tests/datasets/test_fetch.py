"""Downloads against a server that fails in every way that the real ones have been seen to fail."""

import hashlib
import resource
from pathlib import Path

import pytest
import server as loopback

from workflow.datasets import fetch as module
from workflow.datasets.fetch import ATTEMPTS, fetch
from workflow.datasets.source import Source
from workflow.storage.errors import InputError, sentence
from workflow.storage.files import read_json, write_json

BODY = bytes(range(256)) * 4096  # 1 MiB
OTHER = BODY[::-1]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between attempts, which are not waited for."""
    found: list[float] = []
    monkeypatch.setattr(module, "sleep", found.append)
    return found


@pytest.fixture
def get(tmp_path: Path):
    """get(url, ...): fetch one file from the urls in turn; its path."""

    def call(*urls: str | Source) -> Path:
        sources = tuple(url if isinstance(url, Source) else Source(url) for url in urls)
        return Path(fetch(sources, tmp_path, "datasets.set.source")["file"])

    return call


def leftovers(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "archives").iterdir())


def test_a_file_arrives_is_locked_and_is_not_fetched_twice(server, tmp_path):
    server.files["/set.zip"], url = BODY, server.url("/set.zip")
    sources = (Source(url),)
    first = fetch(sources, tmp_path, "key")
    assert Path(first["file"]).read_bytes() == BODY
    sha256 = hashlib.sha256(BODY).hexdigest()
    assert first == {"file": str(tmp_path / "archives/set.zip"), "url": url, "sha256": sha256, "bytes": len(BODY)}
    assert read_json(tmp_path / "lock.json") == {url: {"file": "set.zip", "sha256": sha256, "bytes": len(BODY)}}
    assert fetch(sources, tmp_path, "key") == first
    assert len(server.log) == 1
    assert leftovers(tmp_path) == ["set.zip"]


def test_cut_connections_are_resumed_where_they_stopped(server, get):
    server.files["/set.zip"] = BODY
    server.faults["/set.zip"] = [loopback.cut(300_000), loopback.cut(200_000), loopback.cut(0)]
    assert get(server.url("/set.zip")).read_bytes() == BODY
    starts = [asked for _, asked in server.log]
    assert starts == [None, "bytes=300000-", "bytes=500000-", "bytes=500000-"]


@pytest.fixture
def half(server, get):
    """The server of set.zip, of which an earlier run has 700,000 bytes."""
    server.files["/set.zip"] = BODY
    server.faults["/set.zip"] = [loopback.cut(700_000), *[loopback.status(503)] * (ATTEMPTS + 1)]
    with pytest.raises(InputError, match="503"):
        get(server.url("/set.zip"))
    server.faults.clear()
    server.log.clear()
    return server


def test_a_part_of_an_earlier_run_is_continued(half, get):
    assert get(half.url("/set.zip")).read_bytes() == BODY
    assert half.log == [("/set.zip", "bytes=700000-")]


def test_a_download_that_was_killed_before_its_first_byte_is_started_again(half, get, tmp_path):
    (tmp_path / "archives" / "set.zip.part").unlink()  # set.zip.part.json is written first
    assert get(half.url("/set.zip")).read_bytes() == BODY
    assert half.log == [("/set.zip", None)]


def test_a_part_that_is_whole_already_is_taken(server, get, tmp_path):
    server.files["/set.zip"] = BODY
    server.faults["/set.zip"] = [loopback.cut(len(BODY) - 1), *[loopback.status(503)] * (ATTEMPTS + 1)]
    with pytest.raises(InputError):
        get(server.url("/set.zip"))
    part = tmp_path / "archives" / "set.zip.part"
    part.write_bytes(BODY)
    server.faults.clear()
    assert get(server.url("/set.zip")).read_bytes() == BODY


def test_a_file_that_changed_meanwhile_is_started_again(server, get):
    server.files["/set.zip"] = BODY

    def change(handler, body, start):
        server.files["/set.zip"] = OTHER + b"more"
        return loopback.cut(400_000)(handler, body, start)

    server.faults["/set.zip"] = [change]
    assert get(server.url("/set.zip")).read_bytes() == OTHER + b"more"


@pytest.mark.parametrize(("after", "tag"), [(OTHER, '"2"'), (OTHER + b"more", None)])
def test_a_server_that_continues_another_file_is_started_again(server, get, after, tag):
    server.files["/set.zip"] = BODY

    def change(handler, body, start):
        server.files["/set.zip"] = after
        return loopback.cut(400_000)(handler, body, start)

    def ignore_if_range(handler, body, start):
        rest = after[400_000:]
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 400000-{len(after) - 1}/{len(after)}")
        handler.send_header("Content-Length", str(len(rest)))
        if tag:
            handler.send_header("ETag", tag)
        handler.end_headers()
        handler.wfile.write(rest)
        return True

    server.faults["/set.zip"] = [change, ignore_if_range]
    assert get(server.url("/set.zip")).read_bytes() == after


def test_a_kill_when_a_file_is_started_again_leaves_no_byte_of_the_older(server, get, monkeypatch):
    server.files["/set.zip"] = BODY
    server.faults["/set.zip"] = [loopback.cut(400_000), *[loopback.status(503)] * (ATTEMPTS + 1)]
    with pytest.raises(InputError, match="503"):
        get(server.url("/set.zip"))
    server.faults.clear()
    server.files["/set.zip"] = OTHER + b"more"

    def killed(path, content):
        write_json(path, content)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            get(server.url("/set.zip"))
    assert get(server.url("/set.zip")).read_bytes() == OTHER + b"more"


def test_a_server_without_ranges_is_started_again(server, get):
    server.files["/set.zip"], server.ranges = BODY, False
    server.faults["/set.zip"] = [loopback.cut(400_000)]
    assert get(server.url("/set.zip")).read_bytes() == BODY


def test_passing_errors_are_tried_again_with_growing_pauses(server, get, pauses):
    server.files["/set.zip"] = BODY
    server.faults["/set.zip"] = [loopback.status(503), loopback.status(429), loopback.status(500)]
    assert get(server.url("/set.zip")).read_bytes() == BODY
    assert pauses == sorted(pauses)
    assert len(pauses) == 3


def test_no_answer_at_all_ends_after_some_attempts(get, pauses):
    with pytest.raises(InputError, match=f"tried {ATTEMPTS} times"):
        get("http://127.0.0.1:9/set.zip")
    assert len(pauses) == ATTEMPTS


def test_an_empty_answer_is_a_dead_mirror(server, get, tmp_path):
    server.files |= {"/empty.rar": b"", "/mirror.zip": OTHER}
    assert get(server.url("/empty.rar"), server.url("/mirror.zip")).name == "mirror.zip"
    assert [*read_json(tmp_path / "lock.json")] == [server.url("/mirror.zip")]


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/zip"])
def test_a_web_page_in_place_of_the_archive_is_a_dead_mirror(server, get, tmp_path, content_type):
    server.files |= {"/dead.rar": BODY, "/mirror.zip": OTHER}
    server.faults["/dead.rar"] = [loopback.web_page(content_type)]
    got = get(server.url("/dead.rar"), server.url("/mirror.zip"))
    assert got.name == "mirror.zip"
    assert leftovers(tmp_path) == ["mirror.zip"]


def test_a_missing_file_leads_to_the_next_mirror_at_once(server, get):
    server.files["/mirror.zip"] = BODY
    assert get(server.url("/gone.zip"), server.url("/mirror.zip")).read_bytes() == BODY
    assert [path for path, _ in server.log] == ["/gone.zip", "/mirror.zip"]


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_wrong_checksum_leads_to_the_next_mirror(server, get, tmp_path, algorithm):
    server.files |= {"/bad.zip": OTHER, "/good.zip": BODY}
    right = {algorithm: hashlib.new(algorithm, BODY).hexdigest()}
    got = get(Source(server.url("/bad.zip"), **right), Source(server.url("/good.zip"), **right))
    assert got.read_bytes() == BODY
    assert leftovers(tmp_path) == ["good.zip"]


def test_when_all_fail_each_reason_is_named_and_nothing_stays(server, get, tmp_path):
    server.files["/bad.zip"] = OTHER
    with pytest.raises(InputError) as error:
        get(server.url("/gone.zip"), Source(server.url("/bad.zip"), md5="0" * 32))
    message = str(error.value)
    assert "HTTP 404" in message
    assert "md5" in message
    assert "`datasets.set.source`" in message
    assert leftovers(tmp_path) == []


def test_a_download_that_changed_since_the_first_is_refused(server, get, tmp_path):
    server.files["/set.zip"] = BODY
    get(server.url("/set.zip")).unlink()
    server.files["/set.zip"] = OTHER
    with pytest.raises(InputError, match=r"; expected \w{64}, as first downloaded \(lock\.json\)"):
        get(server.url("/set.zip"))
    assert leftovers(tmp_path) == []


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def test_a_file_with_the_published_checksum_is_kept_when_its_url_changes(server, get):
    server.files["/set.zip"] = BODY
    kept = get(Source(server.url("/set.zip"), md5=md5(BODY)))
    assert get(Source(server.url("/moved/renamed.zip"), md5=md5(BODY))) == kept
    assert len(server.log) == 1
    assert str(Source("http://old", md5="1")) == str(Source("http://new", md5="1")), "parameters of the rules"
    assert str(Source("http://old")) != str(Source("http://new"))


def test_another_published_checksum_replaces_the_file(server, get):
    server.files["/set.zip"] = BODY
    url = server.url("/set.zip")
    kept = get(Source(url, md5=md5(BODY)))
    with pytest.raises(InputError, match=f"its md5 is {md5(BODY)}; expected {md5(OTHER)}, as published"):
        get(Source(url, md5=md5(OTHER)))
    assert kept.read_bytes() == BODY
    server.files["/set.zip"] = OTHER
    assert get(Source(url, md5=md5(OTHER))).read_bytes() == OTHER
    assert len(server.log) == 3


def test_a_kept_file_that_was_tampered_with_is_refused(server, get):
    server.files["/set.zip"] = BODY
    get(server.url("/set.zip")).write_bytes(OTHER)
    with pytest.raises(InputError, match=r"corrupt .*Delete it to download it again"):
        get(server.url("/set.zip"))


def test_mirrors_may_pack_the_same_name_differently(server, get):
    """The first mirror's file was removed and the mirror has died since; the second one's is as good."""
    server.files |= {"/a/set.zip": BODY, "/b/set.zip": OTHER}
    urls = server.url("/a/set.zip"), server.url("/b/set.zip")
    get(*urls).unlink()
    del server.files["/a/set.zip"]
    second = get(*urls)
    assert second.read_bytes() == OTHER
    assert get(*urls) == second


def test_a_full_disk_is_foreseen(server, get, monkeypatch):
    server.files["/set.zip"] = BODY
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(InputError, match=r"0\.0 MB free"):
        get(server.url("/set.zip"))


def test_a_file_that_cannot_be_written_on_is_named(server, get, tmp_path):
    server.files["/set.zip"] = BODY
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as error:
            get(server.url("/set.zip"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sentence(error.value) == f"{tmp_path / 'archives' / 'set.zip.part'}: File too large"


def test_progress_is_reported_in_bytes(server, get, capsys):
    server.files["/set.zip"] = BODY
    get(server.url("/set.zip"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) <= 10
    assert lines[-1].startswith("set.zip: 1.05M of 1.05MB, ")
