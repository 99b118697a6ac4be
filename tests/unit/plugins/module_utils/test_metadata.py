# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocols of the metadata services, against servers of our own on the loopback interface."""
import errno
import gc
import os
import socket
import sys
import threading
import time

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _metadata

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../netns'))
import metadata_server

# A second is the promise; this much more is allowed to a busy machine between two of its clock reads.
SLACK = 0.15


def ask(protocol, budget=1.0):
    """(answer, seconds, requests) of one ask() against one of our servers."""
    with metadata_server.Server(protocol) as server:
        start = time.monotonic()
        answer = _metadata.ask(budget, _where=server.server_address)
        seconds = time.monotonic() - start
        return answer, seconds, [event for event in server.events if event['kind'] == 'request']


def paths(requests):
    return sorted('%s %s' % (request['method'], request['path'].split('?')[0]) for request in requests)


CLOUDS = {
    'aws': ('aws', 'm5.large', 'metadata: IMDSv2: services/domain amazonaws.com'),
    'aws-v1': ('aws', 'm5.large', 'metadata: IMDSv1: services/domain amazonaws.com'),
    'aws-v1-404': ('aws', 'm5.large', 'metadata: IMDSv1: services/domain amazonaws.com'),
    'aws-v1-405': ('aws', 'm5.large', 'metadata: IMDSv1: services/domain amazonaws.com'),
    'aws-china': ('aws', 'm5.large', 'metadata: IMDSv2: services/domain amazonaws.com.cn'),
    'aws-filtered': ('aws', 'm5.large', 'metadata: IMDSv2: identity document, region eu-central-1'),
    'aws-odd-type': ('aws', None, 'metadata: IMDSv2: services/domain amazonaws.com'),
    'gcp': ('gcp', 'n2-standard-4', 'metadata: Metadata-Flavor: Google, machine-type'),
    'azure': ('azure', 'Standard_D4s_v5', 'metadata: azEnvironment AzurePublicCloud'),
}


@pytest.mark.parametrize('protocol', sorted(CLOUDS))
def test_cloud(protocol):
    answer, seconds, _requests = ask(protocol)
    provider, instance_type, evidence = CLOUDS[protocol]
    assert answer['provider'] == provider
    assert answer['instance_type'] == instance_type
    assert answer['evidence'] == [evidence]
    assert sorted(answer['errors']) == sorted({'aws', 'gcp', 'azure'} - {provider})
    assert seconds < 0.9


NOT_THESE = {
    'openstack': {'aws': 'IMDSv1: no services/domain, identity document: HTTP 404'},
    'eucalyptus': {'aws': 'IMDSv2: services/domain is not of AWS'},
    'eucalyptus-old': {'aws': 'IMDSv2: the identity document is not of AWS'},
    'outscale': {'aws': 'IMDSv1: the identity document is not of AWS'},
    'firecracker': {'aws': 'IMDSv2: no services/domain, identity document: HTTP 404'},
    'digitalocean': {'aws': 'IMDSv1 instance-type: HTTP 404'},
    'yandex': {'gcp': 'machine-type: HTTP 404'},
    'yandex-typed': {'gcp': 'machine-type: not below a numbered project'},
    'wrong-flavour': {'gcp': 'machine-type: the answer has no Metadata-Flavor: Google'},
    'azure-odd': {'azure': "azEnvironment: not one of Azure's"},
    'aws-500': {'aws': 'token: HTTP 500'},
    'aws-bad-token': {'aws': 'token: malformed'},
    'any-200': {'aws': 'token: malformed', 'gcp': 'machine-type: the answer has no Metadata-Flavor: Google'},
    'json-200': {'gcp': 'machine-type: not below a numbered project'},
    'redirect': {'aws': 'token: redirect 302, not followed', 'gcp': 'machine-type: redirect 302, not followed',
                 'azure': 'azEnvironment: redirect 302, not followed'},
    'nothing': {'aws': 'IMDSv1 instance-type: HTTP 404', 'gcp': 'machine-type: HTTP 404',
                'azure': 'azEnvironment: HTTP 404'},
    'garbage': dict.fromkeys(('aws', 'gcp', 'azure'), 'the answer makes no sense'),
    'cut': dict.fromkeys(('aws', 'gcp', 'azure'), 'the answer makes no sense'),
    'binary': dict.fromkeys(('aws', 'gcp', 'azure'), 'the answer makes no sense'),
    'chunked': dict.fromkeys(('aws', 'gcp', 'azure'), 'the answer makes no sense'),
    'huge': dict.fromkeys(('aws', 'gcp', 'azure'), 'answer longer than 16384 bytes'),
    'huge-header': dict.fromkeys(('aws', 'gcp', 'azure'), 'answer longer than 16384 bytes'),
    'continue-forever': dict.fromkeys(('aws', 'gcp', 'azure'), 'answer longer than 16384 bytes'),
}


@pytest.mark.parametrize('protocol', sorted(NOT_THESE))
def test_answers_but_is_no_cloud_of_these(protocol):
    answer, seconds, _requests = ask(protocol)
    assert (answer['provider'], answer['instance_type'], answer['evidence']) == (None, None, [])
    assert sorted(answer['errors']) == ['aws', 'azure', 'gcp']
    for cloud, why in NOT_THESE[protocol].items():
        assert answer['errors'][cloud] == why
    assert seconds < 0.9


def test_server_that_hangs_up_is_said_so():
    errors = ask('close')[0]['errors']
    assert set(errors.values()) <= {'connection lost', 'ECONNRESET'}


@pytest.mark.parametrize('protocol', sorted(set(metadata_server.PROTOCOLS) | set(metadata_server.MISBEHAVIOURS)))
def test_no_secret_leaves(protocol):
    answer, _seconds, _requests = ask(protocol, budget=0.4)
    for secret in metadata_server.SECRETS:
        assert secret not in repr(answer)
    assert set(answer) == {'provider', 'instance_type', 'evidence', 'errors'}


@pytest.mark.parametrize('protocol', ['silent', 'drip', 'drip-header'])
def test_a_second_in_all(protocol):
    answer, seconds, requests = ask(protocol)
    assert answer['errors'] == dict.fromkeys(('aws', 'azure', 'gcp'), 'timeout')
    assert answer['provider'] is None
    assert 0.9 < seconds < 1.0 + SLACK
    assert len(requests) == 3, 'all three at once, none after the deadline'


def test_budget_is_honoured():
    assert ask('silent', budget=0.3)[1] < 0.3 + SLACK


def test_nothing_listens():
    with socket.socket() as idle:
        idle.bind(('127.0.0.1', 0))
        start = time.monotonic()
        answer = _metadata.ask(_where=idle.getsockname())
    assert time.monotonic() - start < 0.5
    assert answer['errors'] == dict.fromkeys(('aws', 'azure', 'gcp'), 'ECONNREFUSED')


def test_full_backlog_is_a_black_hole():
    """A listener that never accepts, with its queue full, drops the SYN as a firewall does."""
    with socket.socket() as deaf:
        deaf.bind(('127.0.0.1', 0))
        deaf.listen(0)
        crowd = [socket.socket() for _number in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        start = time.monotonic()
        answer = _metadata.ask(_where=deaf.getsockname())
        seconds = time.monotonic() - start
        for one in crowd:
            one.close()
    assert answer['errors'] == dict.fromkeys(('aws', 'azure', 'gcp'), 'timeout')
    assert 0.9 < seconds < 1.0 + SLACK


def test_proxies_are_not_used(monkeypatch):
    with metadata_server.Server('aws') as proxy:
        for name in ('http_proxy', 'HTTP_PROXY', 'https_proxy', 'all_proxy', 'ALL_PROXY'):
            monkeypatch.setenv(name, 'http://127.0.0.1:%d' % proxy.server_port)
        monkeypatch.delenv('no_proxy', raising=False)
        answer, _seconds, requests = ask('gcp')
        assert proxy.events == []
    assert answer['provider'] == 'gcp'
    assert all(request['path'].startswith('/') for request in requests)


def test_no_name_is_resolved(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError('a name was looked up')
    for name in ('getaddrinfo', 'gethostbyname', 'gethostbyname_ex', 'create_connection'):
        monkeypatch.setattr(socket, name, refuse)
    assert ask('gcp')[0]['provider'] == 'gcp'


def test_default_is_the_link_local_address(monkeypatch):
    seen = []

    def wire(where, deadline):
        seen.append(where)
        raise OSError(errno.ENETUNREACH, 'never in a unit test')

    monkeypatch.setattr(_metadata, '_Wire', wire)
    assert _metadata.ask()['errors'] == dict.fromkeys(('aws', 'azure', 'gcp'), 'ENETUNREACH')
    assert seen == [('169.254.169.254', 80)] * 3


def test_what_aws_is_asked():
    _answer, _seconds, requests = ask('aws')
    assert [path for path in paths(requests) if 'latest' in path] == [
        'GET /latest/meta-data/instance-type', 'GET /latest/meta-data/services/domain', 'PUT /latest/api/token']
    token = [request for request in requests if request['method'] == 'PUT'][0]
    assert token['headers']['X-aws-ec2-metadata-token-ttl-seconds'] == '60'
    for request in requests:
        sent = request['headers'].get('X-aws-ec2-metadata-token')
        assert sent == (metadata_server.TOKEN if request['path'].startswith('/latest/meta-data') else None)


def test_v1_sends_no_token():
    requests = ask('aws-v1')[2]
    assert not [request for request in requests if 'X-aws-ec2-metadata-token' in request['headers']]


def test_a_refused_token_of_another_kind_does_not_fall_to_v1():
    assert [path for path in paths(ask('aws-500')[2]) if 'latest' in path] == ['PUT /latest/api/token']


@pytest.mark.parametrize('protocol', ['aws', 'gcp', 'azure', 'openstack', 'redirect'])
def test_nothing_else_is_asked(protocol):
    asked = set(paths(ask(protocol)[2]))
    assert asked <= {
        'PUT /latest/api/token', 'GET /latest/meta-data/services/domain', 'GET /latest/meta-data/instance-type',
        'GET /latest/dynamic/instance-identity/document', 'GET /computeMetadata/v1/instance/machine-type',
        'GET /metadata/instance/compute/azEnvironment', 'GET /metadata/instance/compute/vmSize'}
    for name in ('PUT /latest/api/token', 'GET /computeMetadata/v1/instance/machine-type',
                 'GET /metadata/instance/compute/azEnvironment'):
        assert name in asked


def test_no_cookie_comes_back():
    assert not [request for request in ask('redirect')[2] if 'Cookie' in request['headers']]


def test_two_clouds_at_once_are_none(monkeypatch):
    both = dict(metadata_server.PROTOCOLS)

    def respond(method, path, headers):
        name = 'gcp' if path.startswith('/computeMetadata') else 'aws'
        return both[name](method, path, headers)

    monkeypatch.setitem(metadata_server.PROTOCOLS, 'both', respond)
    answer = ask('both')[0]
    assert answer['provider'] is None and answer['instance_type'] is None
    assert answer['evidence'] == ['metadata: IMDSv2: services/domain amazonaws.com',
                                  'metadata: Metadata-Flavor: Google, machine-type']


@pytest.mark.parametrize('kind', ['m5.large', 't3.nano', 'u7i-12tb.224xlarge', 'mac2-m2pro.metal', 'm7i.metal-24xl',
                                  'c7gn.xlarge', 'hpc7a.96xlarge', 'u-12tb1.metal'])
def test_types_of_aws(kind):
    assert _metadata._valid(_metadata._AWS_TYPE, kind) == kind


@pytest.mark.parametrize('kind', ['m5.large\n', 'm5', 'tinav5.c2r4p1', 'm5.large;id', '.large', 'M5.large', ''])
def test_not_types_of_aws(kind):
    assert _metadata._valid(_metadata._AWS_TYPE, kind) is None


def test_no_thread_stays_behind():
    before = set(threading.enumerate())
    with metadata_server.Server('silent') as server:
        _metadata.ask(0.3, _where=server.server_address)
        left = [thread for thread in set(threading.enumerate()) - before if thread._target is _metadata._try]
    assert left == []


def test_nothing_is_left_to_the_collector(recwarn):
    """A response that is closed after its socket would complain on the module's stderr (Python 3.13)."""
    complaints = []
    if not hasattr(sys, 'unraisablehook'):
        pytest.skip('this Python cannot tell')
    hook, sys.unraisablehook = sys.unraisablehook, complaints.append
    try:
        for protocol in ('gcp', 'nothing', 'redirect', 'garbage', 'cut', 'huge'):
            ask(protocol)
        with metadata_server.Server('drip') as server:
            _metadata.ask(0.2, _where=server.server_address)
        gc.collect()
    finally:
        sys.unraisablehook = hook
    assert complaints == []
    assert not [one for one in recwarn if issubclass(one.category, ResourceWarning)]
