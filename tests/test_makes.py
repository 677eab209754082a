"""Whether two values that have to differ do so in names, ids and secrets alone."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.makes import same_make, says_nothing

ONE, OTHER = "{secret:0123456789abcdef0123456789abcdef}", "{secret:fedcba9876543210fedcba9876543210}"
S3 = "s3.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("acme-uploads", "acme-files-9f8e7d"),
        (ONE, OTHER),
        (4711, 4712),
        (["a"], ["b"]),
        ("https://hooks.acme.example/in", "https://calls.acme.example/in/"),
        ("https://hooks.acme.co.uk/in", "https://calls.acme.co.uk/in"),
        ("https://hooks.acme.example/services/T024AB1/B0456CD", "https://hooks.acme.example/services/T999XY2/B0777ZZ"),
        (f"https://hooks.acme.example/{ONE}", f"https://hooks.acme.example/{OTHER}"),
        ("https://hooks.acme.example:443/in?sig=0a1b2c3", "https://hooks.acme.example/in?sig=9f8e7d6"),
        (f"https://{ONE}@o1.errors.example/11", f"https://{OTHER}@o1.errors.example/12"),
        ("s3://acme-uploads/in", "s3://acme.files/in"),
        (f"acme-uploads.{S3}", f"acme-files.{S3}"),
        ("acme.s3.amazonaws.com", "other.s3.amazonaws.com"),
        ("one.0a1b2c3d4e5f.eu-west-1.rds.amazonaws.com", "two.9f8e7d6c5b4a.eu-west-1.rds.amazonaws.com"),
        ("one.blob.core.windows.net", "two.blob.core.windows.net"),
        ("one.postgres.database.azure.com:5432", "two.postgres.database.azure.com:5432"),
        ("10.1.0.4", "10.2.0.4"),
        ("arn:aws:kms:eu-west-1:111122223333:key/1", "arn:aws:kms:eu-west-1:444455556666:key/2"),
        ("arn:aws:sqs:eu-west-1:111122223333:orders", "arn:aws:sqs:eu-west-1:111122223333:bills"),
        ("arn:aws:s3:::one/in", "arn:aws:s3:::two/in"),
        ("arn:aws:secretsmanager:eu-west-1:1:secret:a:key", "arn:aws:secretsmanager:eu-west-1:1:secret:b:key"),
        (f"Key={ONE};Endpoint=https://a.acme.example", f"Key={OTHER};Endpoint=https://b.acme.example"),
    ],
)
def test_names_ids_and_secrets_are_each_sides_own(left: Any, right: Any) -> None:
    """From either side."""
    assert same_make(left, right)
    assert same_make(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("acme-uploads", ""),
        ("acme-uploads", "null"),
        ("acme-uploads", "Disabled"),
        (ONE, "none"),
        (ONE, "in the open"),
        (["a"], []),
        ("https://hooks.acme.example/in", "http://hooks.acme.example/in"),
        ("https://hooks.acme.example/in", "https://catcher.example.org/in"),
        ("https://hooks.acme.example/in", "https://hooks.acme.example:8443/in"),
        ("https://hooks.acme.example/in", "https://hooks.acme.example/v2/in"),
        ("https://hooks.acme.example/v1", "https://hooks.acme.example/v2"),
        ("https://hooks.acme.example/in", "https://hooks.acme.example/in?dry_run=1"),
        ("https://hooks.acme.example/in?mode=sync", "https://hooks.acme.example/in?mode=none"),
        ("https://hooks.acme.example/in", f"https://user:{ONE}@hooks.acme.example/in"),
        ("https://hooks.acme.example/in", "https://localhost/in"),
        ("https://hooks.acme.example/in", "https://10.0.0.1/in"),
        ("https://hooks.acme.example/in", "hooks-in"),
        ("s3://acme-uploads/in", "gs://acme-uploads/in"),
        ("s3://acme-uploads/in", "s3://acme-files/out"),
        (f"acme-uploads.{S3}", "acme-files.s3.us-east-1.amazonaws.com"),
        (f"acme-uploads.{S3}", "acme-files.storage.googleapis.com"),
        ("one.0a1b2c3d4e5f.eu-west-1.rds.amazonaws.com", "two.9f8e7d.eu-west-1.docdb.amazonaws.com"),
        ("one.blob.core.windows.net", "two.queue.core.windows.net"),
        ("db.acme.example", "10.1.2.3"),
        ("db.acme.example", "localhost"),
        ("db.acme.example:5432", "db2.acme.example:5433"),
        ("db.acme.example", "database"),
        ("/orders/token", "orders-token"),
        ("arn:aws:iam::111122223333:role/orders", "arn:aws:iam::111122223333:user/orders"),
        ("arn:aws:secretsmanager:eu-west-1:1:secret:a:key", "arn:aws:ssm:eu-west-1:1:parameter/a"),
        ("arn:aws:secretsmanager:eu-west-1:1:secret:a:password", "arn:aws:secretsmanager:eu-west-1:1:secret:b:user"),
        ("arn:aws:kms:eu-west-1:1:key/1", "alias/orders"),
        (f"Key={ONE};Endpoint=https://a.acme.example", f"Key={OTHER};Endpoint=http://a.acme.example"),
        (f"Key={ONE};Endpoint=https://a.acme.example", f"Key={OTHER};Proxy=none"),
    ],
)
def test_another_scheme_provider_region_port_or_shape_is_none_of_it(left: Any, right: Any) -> None:
    """From either side."""
    assert not same_make(left, right)
    assert not same_make(right, left)


@pytest.mark.parametrize(
    "value", ["", " ", "null", "None", "nil", "n/a", "-", "disabled", "false", None, False, [], {}]
)
def test_words_for_nothing_say_nothing(value: Any) -> None:
    """However the format spells that there is none."""
    assert says_nothing(value)


@pytest.mark.parametrize("value", ["0", "nothing-to-see", "offline", 0, True, ["null"], ONE])
def test_other_words_say_something(value: Any) -> None:
    """A zero is a number, and a list with one item is not empty."""
    assert not says_nothing(value)
