# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real node_exporter, on the loopback interface, shows what the collector wrote."""
import contextlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

from .conftest import samples


@contextlib.contextmanager
def exporter(programs, folder):
    """Its address. It is ended with the context."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([programs / 'prometheus-node-exporter', '--web.listen-address=127.0.0.1:%d' % port,
                                '--collector.disable-defaults', '--collector.textfile', '--collector.time', '--collector.timex',
                                '--collector.textfile.directory=%s' % folder],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield 'http://127.0.0.1:%d/metrics' % port
    finally:
        process.terminate()
        process.wait(10)


def scrape(address, seconds=60):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + seconds
    while True:
        try:
            with direct.open(address, timeout=5) as answer:
                return samples(answer.read().decode('utf-8'))
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_what_was_written_is_what_is_scraped(collector, programs):
    assert collector.run().returncode == 0
    with exporter(programs, collector.folder) as address:
        shown = scrape(address)
        assert shown['node_textfile_scrape_error'] == 0
        written = samples(collector.metrics.read_text())
        assert written and {name: shown[name] for name in written} == written
        # what it shows of its own, which the rules use beside
        source = next(name.split('"')[1] for name in written if name.startswith('node_clock_source{'))
        assert shown['node_time_clocksource_current_info{clocksource="%s",device="0"}' % source] == 1
        assert 'node_timex_sync_status' in shown


def test_a_half_written_file_beside_is_not_read(collector, programs):
    collector.run()
    (collector.folder / 'cloudclock.prom.new').write_text('node_clock_source{source="hp')
    with exporter(programs, collector.folder) as address:
        assert scrape(address)['node_textfile_scrape_error'] == 0
