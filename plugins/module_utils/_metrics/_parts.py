# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector's own copy of the rooms that it judges by, out of what came with the module."""
import sys

# What the collector imports, in the rooms' own order; tests hold this list against what it really needs.
ROOMS = ('_root', '_klog', '_clocksource', '_loop', '_evidence', '_platform_rules', '_hypervisor', '_platform', '_tsc',
         '_policy', '_ptp', '_phc', '_timesync', '_rawprobe', '_readings', '_measured', '_bounded', '_probe', '_facts')
OWN = ('_text', '_memory', '_collect')
MAIN = '''\
# Installed by the role cloudclock.linux.clock_metrics; clock_metrics_state: absent removes it.
import os
import sys

from parts._metrics import _collect

sys.exit(_collect.main(os.path.dirname(os.path.abspath(__file__))))
'''


def sources():
    """``{path below the collector's folder: bytes}``, of what the running module itself was made of."""
    found = {'__main__.py': MAIN.encode('ascii'), 'parts/__init__.py': b'', 'parts/_metrics/__init__.py': b''}
    here = __name__.rpartition('.')[0]
    above = here.rpartition('.')[0]
    for package, names, folder in ((above, ROOMS, 'parts/'), (here, OWN, 'parts/_metrics/')):
        for name in names:
            found['%s%s.py' % (folder, name)] = _source('%s.%s' % (package, name))
    return found


def _source(name):
    __import__(name)
    return sys.modules[name].__loader__.get_source(name).encode('utf-8')
