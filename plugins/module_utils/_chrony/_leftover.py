# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amazon Linux 2023's chronyd makes a link at each start, and does not start where the last start left it.

amazonlinux/amazon-linux-2023#473 (chrony-4.3-1.amzn2023.0.4, still so in 2023.5), the unit's line:
ExecStartPre=/bin/sh -c '[ -f /run/chrony.d/.configured ] || ln -s /usr/share/chrony/ntp-pool.sources /run/chrony.d/'
"""
import os
import re

_UNITS = ('/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system')
_MADE = re.compile(r'^ExecStartPre=.*?(?:\[ -f (/\S+) \] \|\| )?\bln -s (/\S+) (/run/[\w.-]+)/?[\s\'"]*$', re.M)


def remove(root, service):
    """Remove the link, if it is there, is the one that the unit makes and would be made again."""
    texts = [root.read('%s/%s.service' % (folder, service)) for folder in _UNITS]
    made = _MADE.search(next((text for text in texts if text is not None), ''))
    if not made or made.group(1) and root.exists(made.group(1)):
        return
    link = os.path.join(root.real(made.group(3)), os.path.basename(made.group(2)))
    if os.path.islink(link) and os.readlink(link) == made.group(2):
        os.unlink(link)
