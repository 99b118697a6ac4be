# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metadata services of our own: three clouds, those that speak their protocols, and those that misbehave.

In a test's own process: ``with Server('aws') as server``. In a network namespace:
``metadata_server.py PROTOCOL LOG``, which also writes down every packet that the namespace sends.
"""
import http.server
import json
import os
import socket
import socketserver
import struct
import sys
import threading
import time

TOKEN = 'AQAEAtoken-that-is-a-secret=='
ACCOUNT = '123456789012'
SECRETS = (TOKEN, ACCOUNT, 'AKIASECRET', 'ssh-rsa')
META = '/latest/meta-data/'
DOCUMENT = '/latest/dynamic/instance-identity/document'
MACHINE_TYPE = '/computeMetadata/v1/instance/machine-type'
COMPUTE = '/metadata/instance/compute/'
NOT_FOUND = (404, {}, 'no such thing, ask AKIASECRET')
LINK_LOCAL = '169.254.169.254'


def _document(**fields):
    return json.dumps(dict({'accountId': ACCOUNT, 'region': 'eu-central-1', 'instanceType': 'm5.large'}, **fields))


def ec2(paths, token=None, without_token=401, put_status=404):
    """A service like EC2's. With ``token`` its requests must carry it; without, PUT gives ``put_status``."""
    def respond(method, path, headers):
        if method == 'PUT':
            if path != '/latest/api/token' or token is None:
                return put_status, {}, 'go away'
            if not headers.get('X-aws-ec2-metadata-token-ttl-seconds'):
                return 400, {}, 'no lifetime'
            return 200, {'Server': 'EC2ws'}, token
        if token is not None and headers.get('X-aws-ec2-metadata-token') != token:
            return without_token, {}, 'Unauthorized'
        return (200, {}, paths[path]) if path in paths else NOT_FOUND
    return respond


def google(paths, flavour='Google'):
    def respond(method, path, headers):
        if method != 'GET':
            return 405, {}, ''
        if headers.get('Metadata-Flavor') != 'Google':
            return 403, {'Metadata-Flavor': flavour}, 'Missing Metadata-Flavor:Google header.'
        return (200, {'Metadata-Flavor': flavour}, paths[path]) if path in paths else NOT_FOUND
    return respond


def microsoft(paths):
    def respond(method, path, headers):
        path, _mark, query = path.partition('?')
        if headers.get('Metadata') != 'true' or 'X-Forwarded-For' in headers:
            return 400, {}, '{"error": "Bad request"}'
        if not path.startswith('/metadata/'):
            return NOT_FOUND
        if 'api-version=' not in query or method != 'GET':
            return 400, {}, '{"error": "Bad request"}'
        return (200, {}, paths[path]) if path in paths and 'format=text' in query else NOT_FOUND
    return respond


def fixed(status, headers, body):
    return lambda method, path, asked: (status, headers, body)


AWS = {META + 'services/domain': 'amazonaws.com', META + 'services/partition': 'aws',
       META + 'instance-type': 'm5.large', DOCUMENT: _document(),
       META + 'iam/security-credentials/web': 'AKIASECRET', '/latest/user-data': 'AKIASECRET'}
# What nova serves under the protocol of 2009 (docs.openstack.org/nova, "Metadata service").
OPENSTACK = {META + 'instance-type': 'm1.small', META + 'placement/availability-zone': 'nova',
             META + 'ami-id': 'ami-00000001', '/openstack': '2018-08-27\nlatest',
             '/openstack/latest/meta_data.json': '{"admin_pass": "AKIASECRET"}'}
GCP = {MACHINE_TYPE: 'projects/123456789012/machineTypes/n2-standard-4'}
AZURE = {COMPUTE + 'azEnvironment': 'AzurePublicCloud', COMPUTE + 'vmSize': 'Standard_D4s_v5',
         COMPUTE + 'userData': 'AKIASECRET', COMPUTE + 'subscriptionId': ACCOUNT}

PROTOCOLS = {
    'aws': ec2(AWS, token=TOKEN),
    'aws-v1': ec2(AWS, put_status=403),
    'aws-v1-404': ec2(AWS),
    'aws-v1-405': ec2(AWS, put_status=405),
    'aws-china': ec2(dict(AWS, **{META + 'services/domain': 'amazonaws.com.cn\n'}), token=TOKEN),
    'aws-filtered': ec2({META + 'instance-type': 'm5.large', DOCUMENT: AWS[DOCUMENT]}, token=TOKEN),
    'aws-odd-type': ec2(dict(AWS, **{META + 'instance-type': '<b>AKIASECRET</b>'}), token=TOKEN),
    'aws-500': ec2(AWS, put_status=500),
    'aws-bad-token': ec2(AWS, token='two words\r\nX: AKIASECRET'),
    'gcp': google(GCP),
    'azure': microsoft(AZURE),
    'azure-odd': microsoft(dict(AZURE, **{COMPUTE + 'azEnvironment': 'HomeLab ssh-rsa'})),
    'openstack': ec2(OPENSTACK),
    # Its tokens are taken from EC2's protocol as well (Corymbia/eucalyptus pull request 197).
    'eucalyptus': ec2({META + 'instance-type': 'm1.small', META + 'services/domain': 'cloud.example.net',
                       DOCUMENT: _document(region='cloud-1', instanceType='m1.small')}, token=TOKEN),
    'eucalyptus-old': ec2({META + 'instance-type': 'm1.small',
                           DOCUMENT: _document(region='cloud-1', instanceType='m1.small')}, token=TOKEN),
    'outscale': ec2({META + 'instance-type': 'tinav5.c2r4p1', DOCUMENT: _document(instanceType='tinav5.c2r4p1')}),
    'firecracker': ec2({META + 'instance-type': 'm5.large', META + 'ami-id': 'ami-12345678'}, token=TOKEN),
    'digitalocean': ec2({'/metadata/v1/id': '1', '/metadata/v1/user-data': 'AKIASECRET'}),
    # docs.yandex.cloud: Google's format, not all of its fields, projects have names and not numbers.
    'yandex': google({'/computeMetadata/v1/instance/zone': 'ru-central1-a'}),
    'yandex-typed': google({MACHINE_TYPE: 'projects/b1gsecretAKIASECRET/machineTypes/standard-v3'}),
    'wrong-flavour': google(GCP, flavour='Gaagle'),
    'any-200': fixed(200, {}, 'Welcome to the captive portal, AKIASECRET'),
    'json-200': fixed(200, {'Metadata-Flavor': 'Google'}, '["AKIASECRET", {"region": "eu-central-1"}]'),
    'redirect': fixed(302, {'Location': 'http://192.0.2.7/AKIASECRET', 'Set-Cookie': 'id=AKIASECRET'}, ''),
    'nothing': fixed(404, {}, ''),
}


def _raw(head, again=None, pause=0.0):
    """Sends ``head``, then ``again`` for as long as the client listens."""
    def misbehave(handler):
        try:
            handler.wfile.write(head)
            while again and not handler.server.stopped.wait(pause):
                handler.wfile.write(again)
        except OSError:
            pass
        handler.close_connection = True
    return misbehave


HEAD = b'HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\n'
MISBEHAVIOURS = {
    'silent': lambda handler: handler.server.stopped.wait(20),
    'drip': _raw(HEAD + b'Content-Length: 9000\r\n\r\n', b'a', pause=0.02),
    'drip-header': _raw(HEAD, b'X', pause=0.02),
    'huge': _raw(HEAD + b'\r\n', b'AKIASECRET' * 6000),
    'huge-header': _raw(HEAD, b'X-More: ' + b'AKIASECRET' * 600 + b'\r\n'),
    'continue-forever': _raw(b'', b'HTTP/1.1 100 Continue\r\n\r\n' * 100),
    'garbage': _raw(b'\x00\xff\xfeAKIASECRET not HTTP at all\r\n\r\n'),
    'cut': _raw(HEAD + b'Content-Length: 70\r\n\r\nprojects/1/machineTypes/n2-stand'),
    'binary': _raw(HEAD + b'Content-Length: 4\r\n\r\n\xff\xfe\xfd\xfc'),
    'chunked': _raw(HEAD + b'Transfer-Encoding: chunked\r\n\r\nZZ\r\nAKIASECRET\r\n'),
    'close': _raw(b''),
}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    timeout = 10

    def _serve(self):
        self.server.note({'kind': 'request', 'method': self.command, 'path': self.path, 'headers': dict(self.headers),
                          'to': list(self.connection.getsockname())})
        if self.server.protocol in MISBEHAVIOURS:
            MISBEHAVIOURS[self.server.protocol](self)
            return
        status, headers, body = PROTOCOLS[self.server.protocol](self.command, self.path, self.headers)
        data = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_HEAD = _serve

    def log_message(self, format, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, protocol, where=('127.0.0.1', 0), note=None):
        self.protocol = protocol
        self.events = []
        self.note = note or self.events.append
        self.stopped = threading.Event()
        super().__init__(where, _Handler)

    def server_bind(self):
        # HTTPServer's own asks the resolver for this host's name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def get_request(self):
        connection = super().get_request()
        self.note({'kind': 'connection', 'to': list(connection[0].getsockname())})
        return connection

    def handle_error(self, request, client_address):
        # The client hangs up at its deadline: that is what some of these are here for.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.stopped.set()
        self.shutdown()
        self.server_close()


def _watch(note):
    """Notes each packet that this network namespace sends, on any interface, until the process ends."""
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
    while True:
        packet, where = sniffer.recvfrom(2048)
        if where[2] != 4:                                   # PACKET_OUTGOING: once each on lo, too
            continue
        note(_describe(packet, where))


def _describe(packet, where):
    if where[1] != 0x0800:
        return {'kind': 'packet', 'interface': where[0], 'protocol': 'ethertype %04x' % where[1]}
    header = (packet[0] & 15) * 4
    source, target = (socket.inet_ntoa(packet[at:at + 4]) for at in (12, 16))
    ports = struct.unpack('!HH', packet[header:header + 4]) if packet[9] in (6, 17) else (None, None)
    return {'kind': 'packet', 'interface': where[0], 'protocol': {6: 'tcp', 17: 'udp'}.get(packet[9], packet[9]),
            'from': source, 'to': target, 'from_port': ports[0], 'to_port': ports[1]}


def main(protocol, log):
    """Serves until stdin closes, so that it can never outlive the test that started it."""
    lock = threading.Lock()
    out = open(log, 'a')

    def note(event):
        with lock:
            out.write(json.dumps(dict(event, at=time.monotonic())) + '\n')
            out.flush()

    threading.Thread(target=_watch, args=(note,), daemon=True).start()
    if protocol not in ('absent', 'blackhole'):
        Server(protocol, ('0.0.0.0', 80), note).__enter__()
    print('ready', flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == '__main__':
    main(*sys.argv[1:])
