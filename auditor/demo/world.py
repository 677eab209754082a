"""Builds the company in a stand-in of AWS, as anybody would: with boto3, over HTTP, account by account."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

from auditor.demo import aws_compute, aws_databases, aws_network, aws_services, aws_settings
from auditor.demo.company import PROD, REGION, STAGING, Site

Client: TypeAlias = Callable[[str], Any]


def build(endpoint_url: str) -> None:
    """Both accounts of the company, in the stand-in at `endpoint_url`."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done in [pool.submit(_account, site, endpoint_url) for site in (STAGING, PROD)]:
            done.result()


def _account(site: Site, endpoint_url: str) -> None:
    client = clients(site, endpoint_url)
    network = aws_network.build(site, client)
    aws_databases.build(site, client, network)
    aws_settings.build(site, client)
    aws_services.build(site, client, network)
    aws_compute.build(site, client, network)


def clients(site: Site, endpoint_url: str) -> Client:
    """Clients of the account by service. It is entered as anybody enters it: by assuming a role."""
    import boto3
    from botocore.config import Config

    # Nothing here leaves the machine, so no proxy is in between.
    make = partial(boto3.session.Session, region_name=REGION)
    reach = {"endpoint_url": endpoint_url, "config": Config(proxies={})}
    keys = make().client("sts", **reach).assume_role(RoleArn=site.role_arn, RoleSessionName="demo")["Credentials"]
    session = make(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    return lambda service: session.client(service, **reach)
