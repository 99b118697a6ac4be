# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine in a folder: recorded files, and programs that act on them as the real ones do."""
import json
import pathlib
import time

from ansible_collections.cloudclock.linux.plugins.module_utils import _phc
from ansible_collections.cloudclock.linux.plugins.module_utils._chrony import _layout, _plan, _sanity
from ansible_collections.cloudclock.linux.plugins.module_utils._root import Root

MACHINES = {case['id']: case for case in json.loads(
    (pathlib.Path(__file__).parents[4] / 'tests' / 'machines' / 'chrony.json').read_text())}
GOOGLE = {'sys/class/dmi/id/sys_vendor': 'Google\n', 'sys/class/dmi/id/product_name': 'Google Compute Engine\n',
          'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu hypervisor\n\n'}
AMAZON = {'sys/class/dmi/id/sys_vendor': 'Amazon EC2\n', 'sys/class/dmi/id/product_name': 'm7g.large\n',
          'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu hypervisor\n\n'}


class LiveRoot(Root):
    """A Root that counts as the running machine."""

    def __init__(self, path='/'):
        Root.__init__(self, path)
        self.live = True


class World:
    """``rejects``, ``starts``, ``selects``, ``offset`` and ``version`` say how its chronyd and its clock behave."""

    def __init__(self, tmp_path, case, cloud=None, clock='KVM virtual PTP'):
        self.path = tmp_path
        self.case = MACHINES[case]
        self.expect = self.case['expect']
        for name, text in list(self.case['files'].items()) + list((cloud or GOOGLE).items()):
            self.write(name, text)
        for name in self.case['dirs'] + ['etc/udev/rules.d', 'etc/modules-load.d', 'etc/modprobe.d', 'dev', 'run',
                                         'etc/systemd/system' if self.expect['manager'] == 'systemd' else 'etc/init.d']:
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
        if clock:
            self.plug(clock)
        self.root = LiveRoot(str(tmp_path))
        self.services = {self.expect['service']: {'active': True, 'enabled': True}}
        self.refclocks = []
        self.servers = '^,*,192.0.2.1,2,6,377,5,0.000001,0.000001,0.001\n'
        self.calls = []
        self.rejects, self.starts, self.selects, self.version = False, True, '*', '4.3'
        self.offset, self.synchronised = 0.00001, True
        self.module_gives = None
        self.on_restart = None
        self.failing_restarts = 0
        self._running(True)

    def write(self, name, text):
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode('utf-8', 'surrogateescape'))

    def text(self, name):
        return (self.path / name.lstrip('/')).read_bytes().decode('utf-8', 'surrogateescape')

    def plug(self, clock, number=0):
        self.write('sys/class/ptp/ptp%d/clock_name' % number, clock + '\n')
        self.write('dev/ptp%d' % number, '')

    def unplug(self, number=0):
        (self.path / ('sys/class/ptp/ptp%d/clock_name' % number)).unlink()
        (self.path / ('sys/class/ptp/ptp%d' % number)).rmdir()
        (self.path / ('dev/ptp%d' % number)).unlink()

    def tree(self, *below):
        """Every file's bytes, links as their target; what only runs is left out."""
        found = {}
        for path in self.path.rglob('*'):
            name = str(path.relative_to(self.path))
            if name.partition('/')[0] in ('proc', 'run', 'sys', 'dev'):
                continue
            if path.is_symlink() or path.is_file():
                found[name] = str(path.resolve()) if path.is_symlink() else path.read_bytes()
            elif path.is_dir():
                found[name + '/'] = None
        return found

    # --- what programs do

    def run_command(self, argv, data=None, **_kwargs):
        self.calls.append(list(argv))
        name = argv[0].rpartition('/')[2].replace('-', '_')
        out = getattr(self, '_' + name)(argv, data)
        return out if isinstance(out, tuple) else (0, out or '', '')

    def ran(self, *words):
        return [call for call in self.calls if all(word in call for word in words)]

    def _chronyd(self, argv, data):
        if '-v' in argv:
            return 'chronyd (chrony) version %s (+CMDMON +NTP +REFCLOCK)\n' % self.version
        assert argv[1:3] == ['-p', '-f'] and self.version[0] == '4'
        assert b'include' not in data and b'confdir' not in data
        self.checked = data.decode('utf-8', 'surrogateescape')
        if self.rejects:
            return 1, '', '2026-01-01T00:00:00Z Fatal error : Invalid directive at line 3 in file /dev/stdin\n'
        return self.checked

    def _systemctl(self, argv, data):
        verb, names = argv[1], [word[:-8] for word in argv if word.endswith('.service')]
        if verb == 'show':
            return '\n\n'.join(
                'Id=%s.service\nLoadState=%s\nActiveState=%s\nUnitFileState=%s' % (
                    name, 'loaded' if name in self.services else 'not-found',
                    'active' if self.services.get(name, {}).get('active') else 'inactive',
                    'enabled' if self.services.get(name, {}).get('enabled') else 'disabled') for name in names) + '\n'
        for name in names if verb != 'reset-failed' else ():
            result = self._service(verb, name)
            if result:
                return result
        return ''

    def _rc_service(self, argv, data):
        name, verb = argv[1], argv[2]
        if verb == 'status':
            return (0 if self.services.get(name, {}).get('active') else 3), '', ''
        return self._service(verb, name)

    def _rc_update(self, argv, data):
        name = argv[3] if argv[1] == '--all' else argv[2]
        level = self.path / 'etc/runlevels' / (argv[3] if argv[1] == 'add' and len(argv) > 3 else 'default')
        level.mkdir(parents=True, exist_ok=True)
        if argv[1] == 'add':
            (level / name).symlink_to('/etc/init.d/' + name)
        for folder in level.parent.iterdir() if argv[1] == '--all' else [level]:
            if 'del' in argv and (folder / name).is_symlink():
                (folder / name).unlink()
        return ''

    def _service(self, verb, name):
        state = self.services.setdefault(name, {'active': False, 'enabled': False})
        if verb in ('enable', 'disable'):
            state['enabled'] = verb == 'enable'
        elif verb == 'stop':
            state['active'] = False
        else:
            state['active'] = True
        if name == self.expect['service'] and verb in ('start', 'stop', 'restart'):
            return self._chronyd_runs(verb, state)
        return None

    def _chronyd_runs(self, verb, state):
        if verb != 'stop' and self.on_restart:
            self.on_restart()
        if verb == 'restart' and self.failing_restarts:
            self.failing_restarts -= 1
            return 1, '', 'Job failed.\n'
        entries = list(_layout.expand(self.root, self.expect['conf']))
        self.refclocks = [_plan.name_of(entry.args, index) for index, entry in enumerate(
            entry for entry in entries if entry.name == 'refclock')]
        if verb != 'stop' and not self.starts and self.refclocks:
            state['active'] = False
            self._running(False)
            return 1, '', 'Job for chrony.service failed.\n'
        self._running(verb != 'stop')
        return None

    def _running(self, runs):
        self.write('run/chrony/chronyd.pid', '77\n' if runs else '')
        self.write('proc/77/comm', 'chronyd\n')

    def _journalctl(self, argv, data):
        return ('chronyd version 4.3 starting\nFatal error : Could not open GPS\nchronyd version 4.3 starting\n'
                'Could not open /dev/ptp_kvm : No such file or directory\nFatal error : Could not open PHC\n'
                'Could not open PHC\n')

    def _chronyc(self, argv, data):
        if argv[-1] == 'sources':
            return ''.join('#,%s,%s,0,-1,377,0,-0.000000012,-0.000000015,0.000000300\n' % (self.selects, name)
                           for name in self.refclocks) or self.servers
        if self.refclocks and self.selects == '*':
            return ('50484330,%s,1,%.9f,0.000000012,0.000000061,0.0,-0.020,0.001,0.336,0.0,'
                    '0.000001,1.0,Normal\n' % (self.refclocks[-1], time.time()))
        if not self.synchronised:
            return '00000000,,0,0.000000000,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n'
        return 'C0000201,192.0.2.1,3,%.9f,0.000100000,0.0,0.0,0.0,0.0,0.0,0.001,0.001,64.0,Normal\n' % time.time()

    def _modprobe(self, argv, data):
        if self.module_gives is None:
            return 1, '', 'modprobe: ERROR: could not insert: No such device\n'
        if '-r' in argv:
            self.unplug()
        elif '-n' not in argv:
            self.plug(self.module_gives)
        return ''

    def _udevadm(self, argv, data):
        if argv[1] == 'trigger' and (self.path / 'etc/udev/rules.d/99-cloudclock-ptp.rules').exists():
            link = self.path / 'dev/ptp_kvm'
            if not link.is_symlink():
                link.symlink_to('ptp0')
        return ''

    def _timedatectl(self, argv, data):
        return 1, '', 'no bus'


def install(monkeypatch, world):
    """Let the module meet that world."""
    from ansible.module_utils.basic import AnsibleModule
    from ansible_collections.cloudclock.linux.plugins.module_utils import _chrony
    from ansible_collections.cloudclock.linux.plugins.modules import chrony_refclock
    monkeypatch.setattr(chrony_refclock, 'Root', LiveRoot)
    monkeypatch.setattr(chrony_refclock.os, 'geteuid', lambda: 0)
    monkeypatch.setattr(AnsibleModule, 'run_command', lambda self, argv, **kwargs: world.run_command(argv, **kwargs))
    monkeypatch.setattr(_phc, 'read', lambda path, samples=10: {
        'offset_seconds': world.offset, 'uncertainty_seconds': 0.000001, 'method': 'precise', 'window_ns': None,
        'capabilities': {}})
    monkeypatch.setattr(_sanity, 'kernel_synchronised', lambda: world.synchronised)
    monkeypatch.setattr(_chrony._machine.time, 'sleep', lambda seconds: None)
    monkeypatch.setattr(_chrony._machine, '_PATIENCE', 0)
    return world
