# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real look-up at the real address, in a network namespace where that address is ours.

Every packet that leaves the namespace's sockets is written down, so that "never asked" and "nothing else asked" are
seen and not believed.
"""
import json
import os
import sys

import pytest

import metadata_server
from namespaces import LINK_LOCAL, REPO

# ask() promises a second; this much is the machine's: starting the namespace's Python is not in it, scheduling is.
SLACK = 0.15

ASK = '''
import json, time
from ansible_collections.cloudclock.linux.plugins.module_utils import _metadata
start = time.monotonic()
answer = _metadata.ask()
print(json.dumps([answer, time.monotonic() - start]))
'''


def ask(namespace, protocol):
    namespace.serve(protocol)
    environment = dict(os.environ, PYTHONPATH=str(REPO / '.collections'), http_proxy='http://192.0.2.9:3128',
                       HTTP_PROXY='http://192.0.2.9:3128', ALL_PROXY='http://proxy.example.net:3128')
    answer, seconds = json.loads(namespace.run(sys.executable, '-c', ASK, env=environment))
    assert seconds < 1.0 + SLACK
    for secret in metadata_server.SECRETS:
        assert secret not in repr(answer)
    only_link_local(namespace)
    return answer, seconds


def only_link_local(namespace):
    """Each packet was TCP between port 80 of the link-local address and the machine itself: no name, no proxy."""
    packets = namespace.events('packet')
    for packet in packets:
        assert packet['protocol'] == 'tcp', packet
        assert (LINK_LOCAL, 80) in ((packet['to'], packet['to_port']), (packet['from'], packet['from_port'])), packet
    for connection in namespace.events('connection'):
        assert connection['to'] == [LINK_LOCAL, 80]
    return packets


@pytest.mark.parametrize('protocol, provider, instance_type, evidence', [
    ('aws', 'aws', 'm5.large', 'metadata: IMDSv2: services/domain amazonaws.com'),
    ('aws-v1', 'aws', 'm5.large', 'metadata: IMDSv1: services/domain amazonaws.com'),
    ('gcp', 'gcp', 'n2-standard-4', 'metadata: Metadata-Flavor: Google, machine-type'),
    ('azure', 'azure', 'Standard_D4s_v5', 'metadata: azEnvironment AzurePublicCloud'),
])
def test_cloud(namespace, protocol, provider, instance_type, evidence):
    answer, _seconds = ask(namespace, protocol)
    assert (answer['provider'], answer['instance_type'], answer['evidence']) == (provider, instance_type, [evidence])
    starts = [event['at'] for event in namespace.events('connection')][:3]
    assert max(starts) - min(starts) < 0.3, 'all three at once'
    assert only_link_local(namespace)


@pytest.mark.parametrize('protocol', [
    'openstack', 'eucalyptus', 'yandex', 'firecracker', 'redirect', 'any-200', 'huge'])
def test_not_one_of_the_three(namespace, protocol):
    answer, _seconds = ask(namespace, protocol)
    assert (answer['provider'], answer['instance_type'], answer['evidence']) == (None, None, [])
    assert len(answer['errors']) == 3
    assert namespace.events('request')


@pytest.mark.parametrize('protocol', ['drip', 'silent'])
def test_slow_server(namespace, protocol):
    answer, seconds = ask(namespace, protocol)
    assert answer['errors'] == dict.fromkeys(('aws', 'azure', 'gcp'), 'timeout')
    assert seconds > 0.9
    assert len(namespace.events('connection')) == 3


def test_black_hole(namespace):
    answer, seconds = ask(namespace, 'blackhole')
    assert answer['errors'] == dict.fromkeys(('aws', 'azure', 'gcp'), 'timeout')
    assert seconds > 0.9
    assert {packet['interface'] for packet in namespace.events('packet')} == {'hole0'}


def test_no_route(namespace):
    answer, seconds = ask(namespace, 'absent')
    assert answer['errors'] == dict.fromkeys(('aws', 'azure', 'gcp'), 'ENETUNREACH')
    assert seconds < 0.5
    assert namespace.events() == []


# A machine that says no more of itself than the named files do: its DMI, device tree and cloud-init's record are
# covered. `ip netns exec` has its own mounts, which end with the command.
MACHINE = '''
set -e
for folder in /sys/class /sys/devices/virtual/dmi /sys/firmware /sys/hypervisor /var/lib/cloud /run; do
  test ! -d $folder || mount -t tmpfs none $folder
done
mkdir -p /sys/class/dmi/id /run/cloud-init
test -z "$SYS_VENDOR" || echo "$SYS_VENDOR" >/sys/class/dmi/id/sys_vendor
test -z "$CLOUD_ID" || echo "$CLOUD_ID" >/run/cloud-init/cloud-id
exec "$@"
'''


def clock_facts(namespace, protocol, machine=(), **parameters):
    """ansible_facts.clock of the real module, run by the real ansible inside the namespace."""
    namespace.serve(protocol)
    words = ['ansible', 'localhost', '-i', 'localhost,', '-c', 'local', '-m', 'cloudclock.linux.clock_facts',
             '-e', 'ansible_python_interpreter=' + sys.executable,
             '-a', ' '.join('%s=%s' % pair for pair in parameters.items())]
    environment = dict(
        os.environ, SYS_VENDOR='', CLOUD_ID='', ANSIBLE_COLLECTIONS_PATH=str(REPO / '.collections'),
        ANSIBLE_NOCOLOR='1', ANSIBLE_LOCALHOST_WARNING='0', ANSIBLE_CALLBACK_RESULT_FORMAT='json',
        ANSIBLE_CONFIG=str(REPO / 'ansible.cfg'), PYTHONUTF8='1', LC_ALL='C.UTF-8',
        PATH=os.path.dirname(sys.executable) + os.pathsep + os.environ['PATH'])
    environment.update(machine)
    text = namespace.run('sh', '-c', MACHINE, 'machine', *words, env=environment, timeout=90)
    assert 'SUCCESS' in text, text
    only_link_local(namespace)
    return json.loads(text[text.index('=> ') + 3:])['ansible_facts']['clock']


def test_facts_never_ask(namespace):
    clock = clock_facts(namespace, 'aws', metadata='never')
    assert namespace.events() == [], 'no packet was sent'
    assert clock['cloud']['provider'] != 'aws'


def test_facts_do_not_ask_by_default(namespace):
    clock_facts(namespace, 'aws')
    assert namespace.events() == [], 'no packet was sent'


def test_facts_of_another_root_never_ask(namespace, tmp_path):
    root = tmp_path / 'root'
    (root / 'etc').mkdir(parents=True)
    clock_facts(namespace, 'aws', metadata='when_unsettled', root=str(root))
    assert namespace.events() == [], 'no packet was sent'


@pytest.mark.parametrize('machine, provider', [
    ({'SYS_VENDOR': 'Dell Inc.'}, 'none'),
    ({'SYS_VENDOR': 'Hetzner'}, 'hetzner'),
    ({'CLOUD_ID': 'hetzner'}, 'hetzner'),
])
def test_facts_do_not_ask_when_settled(namespace, machine, provider):
    clock = clock_facts(namespace, 'aws', machine, metadata='when_unsettled')
    assert clock['cloud']['provider'] == provider
    assert namespace.events() == [], 'no packet was sent'


@pytest.mark.parametrize('protocol, provider, instance_type', [
    ('aws', 'aws', 'm5.large'),
    ('gcp', 'gcp', 'n2-standard-4'),
    ('azure', 'azure', 'Standard_D4s_v5'),
])
def test_facts_ask_when_unsettled(namespace, protocol, provider, instance_type):
    clock = clock_facts(namespace, protocol, metadata='when_unsettled')
    assert (clock['cloud']['provider'], clock['cloud']['instance_type']) == (provider, instance_type)
    assert [line for line in clock['cloud']['evidence'] if line.startswith('metadata: ')]
    assert namespace.events('request')
