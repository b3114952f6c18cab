import io
import itertools

from wespk.core.progress import Ticker, clock


def test_clock_reads_like_a_clock():
    assert [clock(s) for s in (0, 59.6, 61, 3661)] == ["0:00", "1:00", "1:01", "1:01:01"]


def test_log_file_gets_ever_rarer_lines(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    ticker = Ticker(io.StringIO())
    shown = []
    for second in range(1000):
        now[0] = float(second)
        if ticker.due():
            shown.append(second)
    assert shown[:4] == [10, 20, 40, 80]
    assert max(b - a for a, b in itertools.pairwise(shown)) <= 121
