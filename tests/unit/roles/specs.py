# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role says of its variables."""
import os

import yaml

REPO = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))


def load(role, *path):
    with open(os.path.join(REPO, 'roles', role, *path), encoding='utf-8') as text:
        return yaml.safe_load(text)


def options(role):
    """The argument specification, as far as ArgumentSpecValidator takes it."""
    return {name: {key: value for key, value in option.items() if key in ('type', 'elements', 'choices', 'default')}
            for name, option in load(role, 'meta', 'argument_specs.yml')['argument_specs']['main']['options'].items()}
