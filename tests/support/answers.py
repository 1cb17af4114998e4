"""The recorded answers of the cloud's APIs and of its client, and the instances in them."""

from __future__ import annotations

from tests.support.paths import API

NOVA = API / "nova"
"""Answers of Nova, Neutron, Glance and Keystone."""
CLIENT = API / "openstack"
"""What ``openstack … -f json`` printed."""

TWO_NETWORKS = "be7be897-985a-4c19-82be-8b4b6f724c3f"
LINUX = "958db557-081e-4e39-9eda-eca7b3b7bb97"
VOLUME_BOOT = "70d245ce-f0a7-47a9-a58e-cf1c0e719f85"
BLANK_IMAGE = "ddda906b-56d9-43ca-bf25-26ff31a61e32"
PROJECT = "03edb9b2d97144b3ba1926701905d2cf"
USER = "1082a8a6dab742f580ff92dbbd2bb479"
