# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set a fresh machine's clock by the PTP clock of its host, and leave no trace of that."""
import os
import subprocess
import time

subprocess.run(['modprobe', 'ptp_kvm'], check=True)
device = os.open('/dev/ptp0', os.O_RDONLY)
# A POSIX clock behind a file descriptor (linux/posix-timers.h, FD_TO_CLOCKID).
time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(~device << 3 | 3))
os.close(device)
subprocess.run(['modprobe', '-r', 'ptp_kvm'], check=True)
