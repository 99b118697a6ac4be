# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the metadata services which cloud this is: AWS, Google and Azure at once, one second in all.

Import it only when asked for: it is the one room that opens a connection. All three answer on one link-local
address, written as a number, so that there is nothing to resolve. A socket of our own knows no proxy, follows no
redirect and keeps no cookie.

Others speak these protocols too (OpenStack, Brightbox, OUTSCALE, ZStack and CloudStack the one of EC2; Eucalyptus and
Firecracker with its tokens; Yandex the one of Google), so that an answer alone proves nothing. What does:

* AWS: ``services/domain`` names a domain of AWS's own (docs.aws.amazon.com, "Instance metadata categories", there
  since 2014-02-25, while OpenStack stops at 2009-04-04). Where a filter hides that path, the instance identity document
  with a 12-digit account, a region named as AWS names them and the type that instance-type gives.
* Google: the answer carries ``Metadata-Flavor: Google`` and the machine type hangs below a numbered project
  (cloud.google.com/compute/docs/metadata/predefined-metadata-keys).
* Azure: ``azEnvironment`` names one of Azure's clouds (learn.microsoft.com, "Azure Instance Metadata Service").
"""
import errno
import http.client
import io
import json
import re
import socket
import threading
import time

ADDRESS = ('169.254.169.254', 80)
# One answer with its headers; the longest one asked for, AWS's identity document, has about 500 bytes.
ANSWER_BYTES = 16384
# Kept back from the budget for starting the threads and collecting what they found, in seconds.
MARGIN = 0.05

# botocore's endpoints.json, dnsSuffix of each partition.
_AWS_DOMAINS = ('amazonaws.com', 'amazonaws.com.cn', 'amazonaws.eu', 'c2s.ic.gov', 'sc2s.sgov.gov',
                'cloud.adc-e.uk', 'csp.hci.ic.gov')
_AWS_REGION = re.compile(r'(?:af|ap|ca|cn|eu|eusc|il|me|mx|sa|us|us-gov|us-isob?|us-isof|eu-isoe)'
                         r'-[a-z]{2,12}-[0-9]{1,2}\Z')
# m5.large, u7i-12tb.224xlarge, m7i.metal-24xl (docs.aws.amazon.com, "Instance type naming conventions"); others who
# speak EC2's protocol name theirs differently (tinav5.c2r4p1), or keep to a few of these.
_AWS_TYPE = re.compile(r'[a-z][a-z0-9-]{0,30}\.'
                       r'(?:nano|micro|small|medium|large|[0-9]{0,3}xlarge|metal(?:-[0-9]{1,3}xl)?)\Z')
_GCP_TYPE = re.compile(r'projects/[0-9]{1,20}/machineTypes/([a-z][a-z0-9-]{1,62})\Z')
_AZURE_CLOUD = re.compile(r'Azure[A-Za-z]{3,30}\Z')                        # AzurePublicCloud, AzureStack
_AZURE_TYPE = re.compile(r'[A-Z][A-Za-z0-9_-]{1,63}\Z')                    # Standard_D4s_v5
_TOKEN = re.compile(r'[!-~]{1,512}\Z')


class _No(Exception):
    """Not this cloud, or nothing to be had. Its text is ours, never the server's."""


class _TooLong(Exception):
    pass


class _Wire(io.RawIOBase):
    """A socket for HTTPResponse, with one deadline however slowly the bytes drip and a bound on how many there are."""

    def __init__(self, where, deadline):
        super().__init__()
        self._deadline = deadline
        self._left = ANSWER_BYTES
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._patience().connect(where)
        except BaseException:
            self._socket.close()
            raise

    def _patience(self):
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise socket.timeout()
        self._socket.settimeout(seconds)
        return self._socket

    def send(self, data):
        self._patience().sendall(data)

    def makefile(self, mode):
        return io.BufferedReader(self)

    def readable(self):
        return True

    def readinto(self, buffer):
        count = self._patience().recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise _TooLong()
        return count

    def close(self):
        self._socket.close()
        super().close()


def _fetch(where, deadline, method, path, headers):
    """(status, Metadata-Flavor of the answer, its text without surrounding space; '' unless the status is 200)."""
    lines = ['%s %s HTTP/1.1' % (method, path), 'Host: %s' % ADDRESS[0], 'User-Agent: cloudclock.linux',
             'Accept: */*', 'Content-Length: 0', 'Connection: close']
    lines.extend('%s: %s' % header for header in headers)
    wire = _Wire(where, deadline)
    answer = http.client.HTTPResponse(wire, method=method)
    try:
        wire.send(('\r\n'.join(lines) + '\r\n\r\n').encode('ascii'))
        answer.begin()
        body = answer.read() if answer.status == 200 else b''
        return answer.status, answer.getheader('Metadata-Flavor'), body.decode('ascii').strip()
    finally:
        answer.close()
        wire.close()


def _wanted(answer, what):
    status, _flavour, text = answer
    if 300 <= status < 400:
        raise _No('%s: redirect %d, not followed' % (what, status))
    if status != 200:
        raise _No('%s: HTTP %d' % (what, status))
    return text


def _valid(pattern, text):
    return text if pattern.match(text) else None


def _aws(fetch):
    answer = fetch('PUT', '/latest/api/token', [('X-aws-ec2-metadata-token-ttl-seconds', '60')])
    if answer[0] in (403, 404, 405):
        # 403: a region without v2 (cloud-init issue 3788); 404, 405: a service that has none.
        version, headers = 'IMDSv1', []
    else:
        token = _wanted(answer, 'token')
        if not _TOKEN.match(token):
            raise _No('token: malformed')
        version, headers = 'IMDSv2', [('X-aws-ec2-metadata-token', token)]
    domain = fetch('GET', '/latest/meta-data/services/domain', headers)
    if domain[0] == 200 and domain[2] not in _AWS_DOMAINS:
        raise _No('%s: services/domain is not of AWS' % version)
    answer = fetch('GET', '/latest/meta-data/instance-type', headers)
    if domain[0] == 200:
        kind = _valid(_AWS_TYPE, answer[2])
        return kind, '%s: services/domain %s' % (version, domain[2])
    kind = _valid(_AWS_TYPE, _wanted(answer, '%s instance-type' % version))
    document = _wanted(fetch('GET', '/latest/dynamic/instance-identity/document', headers),
                       '%s: no services/domain, identity document' % version)
    region = _aws_region(document, kind)
    if region is None:
        raise _No('%s: the identity document is not of AWS' % version)
    return kind, '%s: identity document, region %s' % (version, region)


def _aws_region(document, kind):
    """The region when the document is one of AWS's for this very type, else None."""
    fields = json.loads(document)
    if not isinstance(fields, dict) or kind is None or fields.get('instanceType') != kind:
        return None
    if not re.match(r'[0-9]{12}\Z', str(fields.get('accountId'))):
        return None
    return _valid(_AWS_REGION, str(fields.get('region')))


def _gcp(fetch):
    answer = fetch('GET', '/computeMetadata/v1/instance/machine-type', [('Metadata-Flavor', 'Google')])
    text = _wanted(answer, 'machine-type')
    if answer[1] != 'Google':
        raise _No('machine-type: the answer has no Metadata-Flavor: Google')
    found = _GCP_TYPE.match(text)
    if not found:
        raise _No('machine-type: not below a numbered project')
    return found.group(1), 'Metadata-Flavor: Google, machine-type'


def _azure(fetch):
    def leaf(name):
        # 2018-10-01 is the first version with azEnvironment and thus the one known everywhere; text is for leaves only.
        return fetch('GET', '/metadata/instance/compute/%s?api-version=2018-10-01&format=text' % name,
                     [('Metadata', 'true')])
    cloud = _wanted(leaf('azEnvironment'), 'azEnvironment')
    if not _AZURE_CLOUD.match(cloud):
        raise _No('azEnvironment: not one of Azure\'s')
    return _valid(_AZURE_TYPE, leaf('vmSize')[2]), 'azEnvironment %s' % cloud


_CLOUDS = (('aws', _aws), ('azure', _azure), ('gcp', _gcp))


def _try(ask_cloud, where, deadline, results, reasons, name):
    try:
        results[name] = ask_cloud(lambda *request: _fetch(where, deadline, *request))
    except _No as exc:
        reasons[name] = str(exc)
    except _TooLong:
        reasons[name] = 'answer longer than %d bytes' % ANSWER_BYTES
    except socket.timeout:
        reasons[name] = 'timeout'
    except OSError as exc:
        reasons[name] = errno.errorcode.get(exc.errno, 'connection lost')
    except (http.client.HTTPException, ValueError):
        reasons[name] = 'the answer makes no sense'


def settle(cloud, hypervisor, answer):
    """Put what ``ask`` answered into ``cloud`` of the facts; ``hypervisor`` is its type."""
    if answer['provider']:
        # AWS has two hypervisors of its own: Xen, and the KVM that it calls Nitro.
        platform = {'xen': 'xen', 'kvm': 'nitro'}.get(hypervisor) if answer['provider'] == 'aws' else None
        cloud.update(provider=answer['provider'], instance_type=answer['instance_type'], platform=platform)
    cloud['evidence'] = cloud['evidence'] + answer['evidence']


def ask(budget=1.0, _where=ADDRESS):
    """Which of the three clouds answers, in at most ``budget`` seconds.

    Returns ``{'provider': 'aws'|'gcp'|'azure'|None, 'instance_type': str|None, 'evidence': [str],
    'errors': {cloud: why not}}``. The types and the evidence have matched a pattern of ours; nothing else that a
    server said leaves this function. Two clouds at once are none.
    """
    start = time.monotonic()
    results, reasons = {}, {}
    threads = [threading.Thread(target=_try, daemon=True, args=(
        ask_cloud, _where, start + budget - MARGIN, results, reasons, name)) for name, ask_cloud in _CLOUDS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, start + budget - time.monotonic()))
    found = dict(results)
    answer = {'provider': None, 'instance_type': None,
              'evidence': ['metadata: %s' % found[name][1] for name in sorted(found)],
              'errors': {name: reasons.get(name, 'timeout') for name, _ask in _CLOUDS if name not in found}}
    if len(found) == 1:
        answer['provider'], (answer['instance_type'], _mark) = list(found.items())[0]
    return answer
