"""Downloads from a server that cuts connections, against a file that is known."""

import hashlib
import io
import re
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.data.download import download, download_and_unpack, unpack

CONTENT = bytes(range(256)) * 5000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT, at most `server.limit` bytes a connection, with or without ranges."""

    def do_GET(self):
        self.server.asked.append(self.headers.get("Range", ""))
        start = 0
        if self.server.ranges and (match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))):
            start = int(match[1])
            if start >= len(CONTENT):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
                self.end_headers()
                return
            self.send_response(206)
        else:
            self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : start + self.server.limit])
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # a client that hangs up is part of the game
    server.limit, server.ranges, server.status, server.asked = len(CONTENT), True, 200, []
    server.url = f"http://127.0.0.1:{server.server_port}/corpus.tgz"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def no_pause(_):
    pass


def test_download_goes_on_where_the_connection_was_cut(server, tmp_path):
    server.limit = 500_000
    download([server.url], tmp_path / "x.tgz", MD5, sleep=no_pause)
    assert (tmp_path / "x.tgz").read_bytes() == CONTENT
    assert server.asked == ["", "bytes=500000-", "bytes=1000000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.tgz"]


def test_download_goes_on_after_the_process_was_killed(server, tmp_path):
    (tmp_path / "x.tgz.part").write_bytes(CONTENT[:1234])
    download([server.url], tmp_path / "x.tgz", MD5)
    assert server.asked == ["bytes=1234-"]
    (tmp_path / "x.tgz").rename(tmp_path / "x.tgz.part")  # killed just before the last rename
    download([server.url], tmp_path / "x.tgz", MD5)
    assert (tmp_path / "x.tgz").read_bytes() == CONTENT


def test_server_without_ranges_sends_all_of_it_again(server, tmp_path):
    server.ranges = False
    (tmp_path / "x.tgz.part").write_bytes(b"something else")
    download([server.url], tmp_path / "x.tgz", MD5)
    assert (tmp_path / "x.tgz").read_bytes() == CONTENT


def test_finished_download_is_only_checked(server, tmp_path):
    (tmp_path / "x.tgz").write_bytes(CONTENT)
    download([server.url], tmp_path / "x.tgz", MD5)
    assert server.asked == []


def test_wrong_content_is_removed_and_said(server, tmp_path):
    (tmp_path / "x.tgz.part").write_bytes(b"x" * 1000)
    with pytest.raises(WespkError, match=f"has MD5 .* where {MD5} is right; it was removed"):
        download([server.url], tmp_path / "x.tgz", MD5)
    assert not list(tmp_path.iterdir())


def test_second_mirror_serves_when_the_first_does_not(server, tmp_path):
    download(["http://127.0.0.1:1/x", server.url], tmp_path / "x.tgz", MD5, sleep=no_pause)
    assert (tmp_path / "x.tgz").exists()


def test_mirrors_that_do_not_deliver_are_named_after_some_rounds(server, tmp_path):
    server.status, pauses = 503, []
    with pytest.raises(WespkError, match=r"corpus.tgz: Service Unavailable"):
        download([server.url], tmp_path / "x.tgz", MD5, sleep=pauses.append)
    assert len(server.asked) == 5 and pauses == [2, 4, 8, 16]
    assert not (tmp_path / "x.tgz").exists()


def tar(path, name):
    with tarfile.open(path, "w:gz") as packed:
        member = tarfile.TarInfo(name)
        member.size = 3
        packed.addfile(member, io.BytesIO(b"abc"))


def test_archive_is_unpacked_whole_or_not_at_all(tmp_path):
    tar(tmp_path / "good.tgz", "folder/a.txt")
    (tmp_path / "out.part").mkdir()
    (tmp_path / "out.part/left-over").touch()
    unpack(tmp_path / "good.tgz", tmp_path / "out")
    assert [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")] == [
        "folder",
        "folder/a.txt",
    ]
    (tmp_path / "cut.tgz").write_bytes((tmp_path / "good.tgz").read_bytes()[:60])
    (tmp_path / "page.tgz").write_text("<html>" + "log in first " * 1000)
    tar(tmp_path / "evil.tgz", "../outside")
    for name in ("cut", "evil", "missing", "page"):
        with pytest.raises(WespkError, match=f"{name}.tgz: cannot be unpacked"):
            unpack(tmp_path / f"{name}.tgz", tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cut.tgz",
        "evil.tgz",
        "good.tgz",
        "out",
        "page.tgz",
    ]


def test_damage_in_the_middle_of_an_archive_is_noticed(tmp_path):
    random = np.random.default_rng(0)
    with tarfile.open(tmp_path / "good.tgz", "w:gz") as packed:
        for number in range(8):
            (tmp_path / "x").write_bytes(random.bytes(20_000))
            packed.add(tmp_path / "x", f"{number}.wav")
    good = (tmp_path / "good.tgz").read_bytes()
    for place in random.integers(1000, len(good) - 1000, 20):
        bad = bytearray(good)
        bad[place] ^= 0x55
        (tmp_path / "bad.tgz").write_bytes(bad)
        with pytest.raises(WespkError, match="bad.tgz: cannot be unpacked"):
            unpack(tmp_path / "bad.tgz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_part_of_a_longer_file_is_given_up(server, tmp_path):
    (tmp_path / "x.tgz.part").write_bytes(CONTENT + b"more")
    download([server.url], tmp_path / "x.tgz", MD5, sleep=no_pause)
    assert (tmp_path / "x.tgz").read_bytes() == CONTENT


def test_wrong_archive_without_checksum_is_fetched_again(server, tmp_path, monkeypatch):
    with pytest.raises(WespkError, match="cannot be unpacked"):  # the content is no archive
        download_and_unpack([server.url], tmp_path / "corpus")
    tar(tmp_path / "good.tgz", "folder/a.txt")
    monkeypatch.setitem(globals(), "CONTENT", (tmp_path / "good.tgz").read_bytes())
    download_and_unpack([server.url], tmp_path / "corpus")
    assert (tmp_path / "corpus/folder/a.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "good.tgz"]
    asked = len(server.asked)
    download_and_unpack([server.url], tmp_path / "corpus")
    assert len(server.asked) == asked
