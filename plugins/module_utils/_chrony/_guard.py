# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that we write, as texts; among them the guard that lets chronyd start when its PHC is gone. Pure.

chronyd ends with "Could not open PHC" when the device of a refclock line is missing, and then the machine keeps no
time at all. So the line does not stand in the configuration proper: that holds a ``confdir`` (before chrony 4.0 an
``include`` with a wildcard, which may match nothing) of a folder of ours with two files, of which one at a time ends
in .conf: ``ptp`` with the refclock line, and ``ntp`` with the lines that had to give way to it. Before chronyd
starts a small service looks for the clock, by its name, and renames them. Without the clock chronyd comes up on the
sources that the machine had before, and the two are never mixed.

Why so and not otherwise: Requires= or BindsTo= the device would keep chronyd down; Wants= with After= the device's unit
holds the boot up for 90 s and then chronyd fails all the same; an ExecStartPre= of chronyd runs in that unit's sandbox
(a read-only /etc on some distributions, the user _chrony on others); a generated file below /run is kept from chronyd
by AppArmor (Debian, Ubuntu) or SELinux, while /etc/chrony and etc_t may be read. A oneshot service that does not stay
active is started again whenever chronyd is, so a clock that vanishes later is noticed at the next restart too; OpenRC
takes it for started and runs it at boot only. It waits for the clock: a module that we name is loaded early
(modules-load.d), but a network card's driver when udev comes to it. So while udev is still at work (``udevadm settle``,
not with Alpine's mdev), and then a few seconds more.
"""

HEADER = '# Written by cloudclock.linux (chrony_refclock); state=absent takes it away.'
WAIT_SECONDS = 10
SETTLE_SECONDS = 60
GUARD = 'cloudclock-chrony-ptp'
UNIT = '/etc/systemd/system/%s.service' % GUARD
SCRIPT = '/etc/init.d/' + GUARD
MODULES = '/etc/modules-load.d/cloudclock-ptp.conf'
UDEV = '/etc/udev/rules.d/99-cloudclock-ptp.rules'
MODPROBE = '/etc/modprobe.d/cloudclock-ptp.conf'


def dropin_of(service):
    return '/etc/systemd/system/%s.service.d/cloudclock-ptp.conf' % service


def reading(folder, confdir):
    """The directive by which chronyd reads our folder. confdir also bears that it is missing; include does not."""
    return 'confdir %s' % folder if confdir else 'include %s/*.conf' % folder


def with_clock(profile, device, add):
    body = [profile['refclock'].replace('{device}', device)] + profile['directives'] + add
    return _text(['# Read while the clock is there. Profile %s (%s).' % (profile['id'], profile['date'])] + body)


def without_clock(taken):
    return _text(['# Read while the clock is missing: what had to give way to it.'] + taken)


def modules(profile):
    return _text([profile['module']])


def modprobe(profile):
    return _text(['options ' + profile['driver_option']])


def udev(profile):
    return _text(['SUBSYSTEM=="ptp", ATTR{clock_name}=="%s", SYMLINK+="%s", TAG+="systemd"'
                  % (profile['clock_name'], profile['link'])])


def dropin():
    return _text(['[Unit]', 'Wants=%s.service' % GUARD, 'After=%s.service' % GUARD])


def unit(folder, service):
    """ReadWritePaths covers the renames; /dev stays writable below ProtectSystem=strict (systemd.exec(5))."""
    return _text([
        '[Unit]', 'Description=Let chronyd use its PTP hardware clock only while it is there',
        'DefaultDependencies=no', 'After=local-fs.target systemd-remount-fs.service systemd-modules-load.service '
        'systemd-udevd.service systemd-udev-trigger.service', 'Before=%s.service shutdown.target' % service,
        'Conflicts=shutdown.target', '',
        '[Service]', 'Type=oneshot', 'ExecStart=/bin/sh %s/guard.sh' % folder,
        'TimeoutStartSec=%d' % (SETTLE_SECONDS + WAIT_SECONDS + 20),
        'ProtectSystem=strict', 'ReadWritePaths=%s' % folder, 'ProtectHome=yes', 'ProtectKernelModules=yes',
        'ProtectControlGroups=yes', 'NoNewPrivileges=yes', 'MemoryDenyWriteExecute=yes',
        'RestrictAddressFamilies=AF_UNIX', 'RestrictRealtime=yes', 'CapabilityBoundingSet=CAP_DAC_OVERRIDE'])


def openrc(folder, service):
    return '\n'.join([
        '#!/sbin/openrc-run', HEADER, 'description="Let chronyd use its PTP hardware clock only while it is there"',
        'depend() {', '    before %s' % service, '    after modules udev udev-settle mdev localmount', '}', 'start() {',
        '    ebegin "Looking for the PTP hardware clock"', '    /bin/sh %s/guard.sh' % folder, '    eend $?', '}', ''])


def script(folder, profile, device):
    """The guard. ``device`` is the path in the refclock line; a link is made where udev did not (Alpine's mdev)."""
    name = profile['clock_name']
    pattern = "'%s'*" % name[:-1] if name.endswith('*') else "'%s'" % name
    link = ['    for clock in /sys/class/ptp/ptp*; do',
            '        is_it "/dev/${clock##*/}" && ln -sfn "${clock##*/}" "$device" && return', '    done']
    return '\n'.join([
        '#!/bin/sh', HEADER, '# Run before chronyd starts. It ends when its clock cannot be opened, so the line is',
        '# offered only while the clock is there; without it chronyd gets the sources that gave way to it.',
        "cd '%s' || exit 0" % folder, "device='%s'" % device,
        'is_it() {', '    [ -c "$1" ] && [ -r "/sys/class/ptp/${1##*/}/clock_name" ] || return 1',
        '    read -r name < "/sys/class/ptp/${1##*/}/clock_name"', '    case "$name" in',
        '    %s) return 0 ;;' % pattern, '    esac', '    return 1', '}',
        'there() {', '    is_it "$(readlink -f "$device")" && return'] + (link if profile['link'] else []) + [
        '    return 1', '}',
        'on() { [ ! -e "$1.off" ] || mv -f "$1.off" "$1.conf"; }',
        'off() { [ ! -e "$1.conf" ] || mv -f "$1.conf" "$1.off"; }',
        'there || ! command -v udevadm >/dev/null ||',
        '    udevadm settle --timeout=%d --exit-if-exists="$device"' % SETTLE_SECONDS,
        'waited=0', 'until there; do', '    if [ "$waited" -ge %d ]; then' % WAIT_SECONDS,
        '        echo "the PTP hardware clock is not there: chronyd goes on without it" >&2',
        '        off ptp && on ntp', '        exit', '    fi', '    sleep 1', '    waited=$((waited + 1))', 'done',
        'off ntp && on ptp', ''])


def _text(lines):
    return '\n'.join([HEADER] + lines) + '\n'
