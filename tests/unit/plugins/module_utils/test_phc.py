# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PTP clocks: what the kernel would write, made by hand, and the figures reckoned by hand."""
import errno
import os
import struct

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _phc

# A second of 2026, and the time stamps as (seconds, nanoseconds).
NOW = 1795224580
# printf of include/uapi/linux/ptp_clock.h, compiled for x86_64.
COMPILED = {('r', 1, 80): 0x80503d01, ('w', 5, 832): 0x43403d05, ('rw', 8, 64): 0xc0403d08, ('rw', 9, 1216): 0xc4c03d09,
            ('r', 10, 80): 0x80503d0a, ('w', 14, 832): 0x43403d0e, ('rw', 17, 64): 0xc0403d11,
            ('rw', 18, 1216): 0xc4c03d12}
NAMES = {number: asked[1] for asked, number in COMPILED.items()}
GETCAPS, PLAIN, PRECISE, EXTENDED, NEWER = 1, 5, 8, 9, 9
CAPS = struct.pack('=20i', 62499999, 0, 2, 2, 1, 4, 1, 0, *([0] * 12))


def times(*stamps):
    return b''.join(struct.pack('=qII', seconds, nanoseconds, 0) for seconds, nanoseconds in stamps)


def samples(*stamps):
    head = struct.pack('=I3I', len(stamps) // 3, 0, 0, 0)
    return head + times(*stamps)


@pytest.mark.parametrize('asked', sorted(COMPILED))
@pytest.mark.parametrize('machine', ['x86_64', 'aarch64', 'armv7l', 'i686', 's390x', 'riscv64'])
def test_numbers_are_those_of_the_header(asked, machine):
    assert _phc.request(*asked, machine=machine) == COMPILED[asked]


@pytest.mark.parametrize('asked, machine, number', [
    # By hand: three bits of direction from bit 29 on, 1 none, 2 read, 4 write.
    (('r', 1, 80), 'ppc64le', 0x40503d01), (('w', 5, 832), 'mips', 0x83403d05), (('rw', 8, 64), 'sparc64', 0xc0403d08),
    (('r', 1, 80), 'parisc64', 0x40503d01), (('w', 5, 832), 'parisc', 0x83403d05)])
def test_numbers_where_the_bits_lie_otherwise(asked, machine, number):
    assert _phc.request(*asked, machine=machine) == number


def test_extended_keeps_the_shortest_window():
    # System, device, system. The second window is 400 ns wide and the device was 1,000,200 ns ahead of its middle.
    data = samples((NOW, 1000), (NOW, 1009000), (NOW, 9000),
                   (NOW, 20000), (NOW, 1020400), (NOW, 20400),
                   (NOW, 30000), (NOW, 1039000), (NOW, 39000))
    assert _phc.of_extended(data, 3) == {'offset_seconds': 0.0010002, 'uncertainty_seconds': 2e-7, 'window_ns': 400,
                                         'method': 'extended'}


def test_plain_shares_its_system_stamps():
    # Windows of 4 and 2 µs; in the second the device stands 3 s and 1 µs before its middle.
    data = struct.pack('=I3I', 2, 0, 0, 0) + times((NOW, 0), (NOW - 3, 1500), (NOW, 4000), (NOW - 3, 4000), (NOW, 6000))
    assert _phc.of_plain(data, 2) == {'offset_seconds': -3.000001, 'uncertainty_seconds': 1e-6, 'window_ns': 2000,
                                      'method': 'plain'}


def test_over_the_second():
    data = samples((NOW, 999999900), (NOW + 1, 0), (NOW + 1, 100))
    assert _phc.of_extended(data, 1) == {'offset_seconds': 0.0, 'uncertainty_seconds': 1e-7, 'window_ns': 200,
                                         'method': 'extended'}


def test_tai_is_told_and_not_corrected():
    assert _phc.of_extended(samples((NOW, 0), (NOW + 37, 50), (NOW, 100)), 1)['offset_seconds'] == 37.0


def test_a_clock_that_nobody_set():
    found = _phc.of_extended(samples((NOW, 0), (12, 500), (NOW, 1000)), 1)
    assert found['offset_seconds'] == 12.0 - NOW


def test_nanoseconds_are_not_lost_in_a_float():
    """Seconds since 1970 as a float are good to 240 ns only."""
    assert _phc.of_extended(samples((NOW, 100), (NOW, 103), (NOW, 104)), 1)['offset_seconds'] == 1e-9


def test_no_window_is_no_certainty():
    assert _phc.of_extended(samples((NOW, 5), (NOW, 5), (NOW, 5)), 1)['uncertainty_seconds'] == 1e-9


def test_precise_is_the_median_and_its_farthest_reading():
    # +10, +13 and +30 ns.
    answers = [times((NOW, 100 + ahead), (NOW, 100), (77, 5), (0, 0)) for ahead in (30, 10, 13)]
    assert _phc.of_precise(answers) == {'offset_seconds': 1.3e-8, 'uncertainty_seconds': 1.7e-8, 'window_ns': None,
                                        'method': 'precise'}


def test_precise_claims_a_nanosecond_at_best():
    answers = [times((NOW, 100), (NOW, 100), (77, 5), (0, 0))] * 3
    assert _phc.of_precise(answers)['uncertainty_seconds'] == 1e-9


def test_a_system_clock_that_was_set_back_meanwhile():
    good = ((NOW, 20000), (NOW, 20400), (NOW, 21000))
    back = ((NOW, 1000), (NOW, 1200), (NOW - 5, 0))
    assert _phc.of_extended(samples(*back, *good), 2)['window_ns'] == 1000
    with pytest.raises(_phc.PhcError, match='set back'):
        _phc.of_extended(samples(*back), 1)


def test_a_time_that_is_none():
    with pytest.raises(_phc.PhcError, match='a time that is none'):
        _phc.of_extended(samples((NOW, 0), (NOW, 1000000000), (NOW, 5)), 1)


def test_capabilities():
    assert _phc.capabilities(CAPS) == {
        'max_adj_ppb': 62499999, 'n_alarm': 0, 'n_ext_ts': 2, 'n_per_out': 2, 'pps': True, 'n_pins': 4,
        'cross_timestamping': True, 'adjust_phase': False}


class Device:
    """A character device that answers ioctls: by number (the older one's) bytes, or an errno, or a list of those."""

    def __init__(self, answers, newer=True):
        self.answers, self.newer, self.asked, self.fd = {GETCAPS: CAPS, **answers}, newer, [], None

    def ioctl(self, fd, number, data):
        assert fd == self.fd and isinstance(data, bytearray)
        name = NAMES[number]
        self.asked.append((name, bytes(data[:16])))
        if name > NEWER:
            if not self.newer:
                raise OSError(errno.ENOTTY, '')
            name -= NEWER
        answer = self.answers.get(name, errno.EOPNOTSUPP)
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, int):
            raise OSError(answer, '')
        data[:len(answer)] = answer

    def open(self, path):
        assert path == '/dev/ptp0'
        self.fd = os.open(os.devnull, os.O_RDONLY)
        return self.fd

    def is_closed(self):
        try:
            os.fstat(self.fd)
        except OSError:
            return True
        return False


@pytest.fixture
def device(monkeypatch):
    def make(answers, newer=True, machine='x86_64'):
        made = Device({{'precise': PRECISE, 'extended': EXTENDED, 'plain': PLAIN, 'caps': GETCAPS}[name]: answer
                       for name, answer in answers.items()}, newer)
        monkeypatch.setattr(_phc, 'fcntl', made)
        monkeypatch.setattr(_phc, '_open', made.open)
        monkeypatch.setattr(_phc.os, 'uname', lambda: ('Linux', 'host', '6.12', '', machine))
        return made
    return make


GOOD_EXTENDED = samples(*([(NOW, 100), (NOW, 350), (NOW, 500)] * 10))
GOOD_PLAIN = struct.pack('=I3I', 10, 0, 0, 0) + times(
    *[stamp for at in range(0, 10000, 1000) for stamp in ((NOW, at), (NOW, at + 600))], (NOW, 10000))
GOOD_PRECISE = times((NOW, 107), (NOW, 100), (77, 5), (0, 0))


def test_the_best_method_first(device):
    made = device({'precise': GOOD_PRECISE, 'extended': GOOD_EXTENDED, 'plain': GOOD_PLAIN})
    found = _phc.read('/dev/ptp0', 4)
    assert (found['method'], found['offset_seconds'], found['window_ns']) == ('precise', 7e-9, None)
    assert found['capabilities']['n_pins'] == 4
    assert [name for name, _head in made.asked] == [10, 17, 17, 17, 17]
    assert made.is_closed()


def test_one_precise_reading_says_nothing_of_its_error(device):
    made = device({'precise': GOOD_PRECISE})
    _phc.read('/dev/ptp0', 1)
    assert [name for name, _head in made.asked].count(17) == 3


@pytest.mark.parametrize('word', [errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENODEV, errno.ETIMEDOUT])
def test_what_a_method_cannot_do_the_next_may(device, word):
    made = device({'precise': word, 'extended': GOOD_EXTENDED, 'plain': GOOD_PLAIN})
    assert _phc.read('/dev/ptp0')['method'] == 'extended'
    made.answers[EXTENDED] = word
    found = _phc.read('/dev/ptp0')
    assert (found['method'], found['offset_seconds'], found['window_ns']) == ('plain', 1e-7, 1000)


def test_the_number_of_samples_is_asked_for_and_nothing_else(device):
    made = device({'extended': GOOD_EXTENDED})
    _phc.read('/dev/ptp0', 10)
    assert made.asked[-1] == (18, struct.pack('=IIII', 10, 0, 0, 0))


def test_a_kernel_before_5_4(device):
    made = device({'precise': GOOD_PRECISE}, newer=False)
    assert _phc.read('/dev/ptp0', 1)['method'] == 'precise'
    assert [name for name, _head in made.asked] == [10, 1] + [17, 8] * 3


def test_a_machine_of_another_layout(device, monkeypatch):
    made = device({'precise': GOOD_PRECISE}, machine='ppc64le')
    monkeypatch.setitem(NAMES, 0x40503d0a, 10)
    assert _phc.read('/dev/ptp0')['method'] == 'precise'
    assert made.asked[0][0] == 10


def test_busy_for_a_moment(device):
    device({'precise': [errno.EBUSY, errno.EINTR, GOOD_PRECISE, GOOD_PRECISE, GOOD_PRECISE]})
    assert _phc.read('/dev/ptp0', 3)['method'] == 'precise'


@pytest.mark.parametrize('word, message', [
    (errno.EOPNOTSUPP, 'no way to be compared'), (errno.EBUSY, 'busy: try again'), (errno.ENODEV, 'is gone'),
    (errno.ENOSYS, 'sandbox'), (errno.EPERM, 'root'), (errno.EIO, os.strerror(errno.EIO))])
def test_the_most_telling_refusal_is_told(device, word, message):
    made = device({'extended': word})
    with pytest.raises(_phc.PhcError, match=message) as caught:
        _phc.read('/dev/ptp0')
    assert caught.value.errno == word
    assert made.is_closed()


@pytest.mark.parametrize('word', [errno.ENOTTY, errno.EINVAL])
def test_a_device_that_is_no_clock(device, word):
    device({'caps': word})
    with pytest.raises(_phc.PhcError, match='it is no PTP clock'):
        _phc.read('/dev/ptp0')


def test_an_ordinary_file_is_not_opened(tmp_path):
    (tmp_path / 'ptp0').write_text('')
    with pytest.raises(_phc.PhcError, match='no device'):
        _phc.read(str(tmp_path / 'ptp0'))


def test_a_device_of_another_class_is_not_opened(monkeypatch):
    opened = []
    monkeypatch.setattr(_phc.os, 'open', lambda *args: opened.append(args))
    with pytest.raises(_phc.PhcError, match='it is no PTP clock'):
        _phc.read('/dev/null')
    assert not opened


def test_nothing_there(tmp_path):
    with pytest.raises(_phc.PhcError, match='no such device') as caught:
        _phc.read(str(tmp_path / 'ptp0'))
    assert caught.value.errno == errno.ENOENT


@pytest.mark.parametrize('user, message', [(1000, 'become root'), (0, 'a container, a sandbox or SELinux')])
def test_not_allowed(monkeypatch, user, message):
    monkeypatch.setattr(_phc.os, 'geteuid', lambda: user)
    assert message in _phc.explain(errno.EACCES)
