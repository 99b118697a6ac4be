# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine's node_exporter shows, and what promtool makes of it by the rules as they are shipped."""
import json
import os
import re
import subprocess

REPO = os.environ['MOLECULE_PROJECT_DIRECTORY']
RULES = os.path.join(REPO, 'roles', 'clock_metrics', 'files', 'cloudclock.rules.yml')
PROGRAMS = os.path.join(REPO, '.cache', 'prometheus')
METRICS = '/var/lib/prometheus/node-exporter/cloudclock.prom'
SCRAPE = 'import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:9100/metrics").read().decode())'
OURS = re.compile(r'(node_clock_|node_time_clocksource_|node_timex_|node_textfile_)')


def scrape(host):
    """``{series: value}``, both as they are shown."""
    return samples(host.check_output('python3 -c %s', SCRAPE))


def samples(text):
    return dict(line.rsplit(' ', 1) for line in text.splitlines() if OURS.match(line))


def firing(before, after, folder):
    """The alerts that fire after an hour of the first scrape, and after half an hour of the second one that follows."""
    subprocess.run([os.path.join(REPO, 'tools', 'debs.sh'), PROGRAMS, 'prometheus', 'prometheus-node-exporter'], check=True)
    series = [{'series': labelled(name), 'values': '%s %s' % (
        before[name] + 'x60' if name in before else '_x60', after[name] + 'x30' if name in after else 'stale')}
        for name in sorted(set(before) | set(after))]
    found = []
    for when in ('59m', '90m'):
        path = os.path.join(str(folder), when + '.yml')
        with open(path, 'w', encoding='utf-8') as test:
            json.dump({'rule_files': [RULES], 'evaluation_interval': '1m', 'tests': [
                {'interval': '1m', 'input_series': series, 'promql_expr_test': [
                    {'expr': 'count by (alertname) (ALERTS{alertstate="firing"})', 'eval_time': when,
                     'exp_samples': [{'labels': '{alertname="none"}', 'value': -1}]}]}]}, test)
        done = subprocess.run([os.path.join(PROGRAMS, 'usr', 'bin', 'promtool'), 'test', 'rules', path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', timeout=60, check=False)
        # it was asked for what cannot be, so that it says what there is: got: {alertname="ClockSourceSlow"} 1E+00
        got = done.stdout.partition('got:')[2]
        assert got, done.stdout
        found.append(sorted(re.findall(r'alertname=."?([A-Za-z]+)', got)))
    return found


def labelled(name):
    name, brace, labels = name.partition('{')
    return '%s{job="node",instance="lab"%s' % (name, ',' + labels if brace else '}')
