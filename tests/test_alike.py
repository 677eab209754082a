"""Names are not drift; everything else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.alike import Pair, hosts, is_host
from auditor.names import environment_names

STAGING = environment_names("staging", (), {"prod": ()})
PROD = environment_names("prod", (), {"staging": ()})
PAIR = Pair(STAGING, PROD)

ALIKE = [
    ("a token between delimiters", "orders-preprod-db", "orders-prod-db"),
    ("a path segment", "/shop/stg/db/host", "/shop/prod/db/host"),
    ("the whole value", "stage", "prod"),
    ("a name that only production carries", "shop-core", "shop-core-prod"),
    ("a name that only staging carries", "orders-staging-ops", "orders-ops"),
    ("a token in the middle", "pool-id-preprod-v2", "pool-id-prod-v2"),
    ("camel case", "TaskRoleForShopPreprod", "TaskRoleForShopProd"),
    ("camel case in the middle", "ordersStagingQueue", "ordersProdQueue"),
    ("after a digit", "es7-4stage-url", "es7-4prod-url"),
    ("a weak alias opposite a strong one", "s1-rtt-stg-kv", "s1-rtt-pd-kv"),
    ("glued inside a word", "s1registerstgtmp", "s1registerpdtmp"),
    ("glued at the end", "ShopCastaging", "ShopCaproduction"),
    ("www opposite staging", "https://staging.shop.example.com/ping", "https://www.shop.example.com/ping"),
    ("a label with blanks", "STAGING - Mailing List", "Mailing List"),
    ("two names in one label", "Visits - PreProd (staging)", "Visits - Prod"),
    ("another domain of the same product", "https://api.staging.notify.sandbox.xyz/cb", "https://api.notify.example.ca/cb"),
    ("an e-mail address of the environment", "ops@staging.notify.sandbox.xyz", "ops@notify.example.ca"),
    ("an upstream's own alias", "https://pp-oidc.signin.example.org", "https://oidc.signin.example.org"),
    ("accounts in an ARN", "arn:aws:iam::111111111111:role/x-staging", "arn:aws:iam::222222222222:role/x-prod"),
    ("a generated endpoint", "o-stg.abc123xyz0.eu-west-1.rds.amazonaws.com", "o-prod.zzz999xyz0.eu-west-1.rds.amazonaws.com"),
    ("a cache's endpoint with its role", "master.stagingcache.gb1q0b.euw1.cache.amazonaws.com", "master.productioncache.xwh9q6.usw1.cache.amazonaws.com"),
    ("a cache's endpoint with its shard", "cart-stg.gb1q0b.ng.0001.euw1.cache.amazonaws.com", "cart-prod.xwh9q6.ng.0001.euw1.cache.amazonaws.com"),
    ("an API's id and its stage", "https://b46a03ed0d.execute-api.eu-west-1.amazonaws.com/stg", "https://49d5c577f2.execute-api.eu-west-1.amazonaws.com/live"),
    ("a registry's account", "111111111111.dkr.ecr.eu-west-1.amazonaws.com/api:1", "222222222222.dkr.ecr.eu-west-1.amazonaws.com/api:1"),
    ("generated ids", "sg-0123456789abcdef0", "sg-0fedcba9876543210"),
    ("private networks of one size", "10.1.0.0/16", "10.2.0.0/16"),
    ("non-prod opposite nothing", "dps_alerts_non_prod", "dps_alerts"),
    ("fingerprints of two secrets", "{secret:00ff}", "{secret:11aa}"),
    ("two spellings of one size", "1.5Gi", "1536Mi"),
    ("a boolean in a string", "True", "true"),
    ("a strong name opposite a weak one", "stg", "pd"),
    ("lists of ids with more of them", "4de8b784-03a8-4ba8-a440-3bfea1b04fe6:a,4de8b784-03a8-4ba8-a440-3bfea1b04fe7:b", "98277a4a-63e4-47c3-8194-dffe8ed51c08:a,98277a4a-63e4-47c3-8194-dffe8ed51c09:c"),
    ("a letter of the stage in an account code", "s189t01-att-stg-kv", "s189p01-att-pd-kv"),
    ("what is put after names in staging alone", "-staging", ""),
    ("certificates", "-----BEGIN CERTIFICATE-----\nMIIG", "-----BEGIN CERTIFICATE-----\nMIIH"),
    ("a release candidate's host", "https://api.rc.learn.example.org/v0/", "https://api.learn.example.org/v0/"),
    ("an acceptance host", "https://idam-api.aat.platform.example.net", "https://idam-api.platform.example.net"),
    ("glued to a short word", "tvsstaging", "tvsprod"),
    ("ciphertexts of KMS", "AQECAHh7ea2tyZ6phZgT4B9BDKwguhlFtRC6hgt7HbmeFsrsgAAALswgbgGCSq", "AQECAHh7ea2tyZ6phZgT4B9BDKwguhlFtRC6hgt7HbmeFsrsgAAAMMwgcAGCSq"),
    ("ciphertexts of SOPS", "ENC[AES256_GCM,data:x1,iv:a,tag:b,type:str]", "ENC[AES256_GCM,data:yy22,iv:c,tag:d,type:str]"),
    ("contracts of two networks", "0xfb9736A9CdEf726d7981f84e99776cCd626e9a63", "0x735FFD26d742d7105B2420c3dff46eC61F3ef7E5"),
    ("a repository with and without its ending", "https://git.example.com/a/b.git", "https://git.example.com/a/b"),
]  # fmt: skip

UNLIKE = [
    (
        "caches of two names",
        "master.orderscache.gb1q0b.euw1.cache.amazonaws.com",
        "master.sessions.xwh9q6.euw1.cache.amazonaws.com",
    ),
    (
        "a cluster's readers",
        "o-stg.cluster-ro-abc123xyz0.eu-west-1.rds.amazonaws.com",
        "o-prod.cluster-zzz999xyz0.eu-west-1.rds.amazonaws.com",
    ),
    ("another naming scheme", "reval-rabbit-host", "shop-revalidation-rabbit-prod-host"),
    ("two words that are no names", "test", "login"),
    (
        "what stands behind a secret",
        "{secret:00ff}@tcp(db:3306)/app?tls=true",
        "{secret:11aa}@tcp(db:3306)/app?tls=false",
    ),
    (
        "two paths of an API",
        "https://b46a03ed0d.execute-api.eu-west-1.amazonaws.com/v1",
        "https://49d5c577f2.execute-api.eu-west-1.amazonaws.com/v2",
    ),
    ("two bare regions", "us-west-2", "us-gov-west-1"),
    ("the world against a network", "0.0.0.0/0", "10.0.0.0/8"),
    ("hosts of two things", "kafka-staging.internal", "rabbit.prod.internal"),
    ("a word inside a word", "product", "duct"),
    ("sizes", "db.r6g.xlarge", "db.r6g.2xlarge"),
    ("two commits", "682c882", "23edf01"),
    ("a name against nothing", "staging", ""),
    ("two letters in an account code", "s189t02-att-stg-kv", "s189p01-att-pd-kv"),
    ("a letter of a word", "s189-test-stg", "s189-pest-prod"),
    ("a private key against a certificate", "-----BEGIN PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----"),
    ("a ciphertext against plain text", "ENC[AES256_GCM,data:x1,iv:a,tag:b,type:str]", "https://orders.example.org"),
    ("ciphertexts of two tools", "{cipher}0123456789abcdef01", "vault:v1:0123456789abcdef01"),
    ("two digests of contents", "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"),
    ("versions beside names", "1.2-staging", "1.3-prod"),
    ("two things", "orders-staging", "payments-prod"),
    ("the other's name on both sides swapped", "prod", "staging"),
    ("delimiters without a name", "a-b", "a_b"),
    ("pre-release", ">=1.0.0-alpha", ">=1.0.0"),
    ("log levels", "info", "debug"),
    ("TLS policies", "ELBSecurityPolicy-2016-08", "ELBSecurityPolicy-TLS13-1-2-2021-06"),
    ("a version's last zero", "1.1", "1.10"),
]


@pytest.mark.parametrize(("why", "left", "right"), ALIKE, ids=[row[0] for row in ALIKE])
def test_what_differs_in_name_only_is_alike(why: str, left: str, right: str) -> None:
    """Each way in which two environments spell one thing is recognised, whatever attribute it stands under."""
    assert PAIR.alike(left, right, "value"), why


@pytest.mark.parametrize(("why", "left", "right"), UNLIKE, ids=[row[0] for row in UNLIKE])
def test_what_differs_in_more_than_names_is_not_alike(why: str, left: str, right: str) -> None:
    """A real difference is never taken for a name."""
    assert not PAIR.alike(left, right, "version" if "." in left and left[0].isdigit() else "value"), why


def test_null_false_and_zero_are_four_things() -> None:
    """Null, false, zero and the empty string are told apart."""
    values = [None, False, 0, ""]
    assert [(a, b) for a in values for b in values if a is not b and PAIR.alike(a, b)] == []


def test_ids_are_alike_under_an_id_key_only() -> None:
    """Opaque ids differ by environment; the same text under another key is a value."""
    assert PAIR.alike("h9MLvalp6AuXo", "XYyafYf931M1I", "auth_id")
    assert not PAIR.alike("h9MLvalp6AuXo", "XYyafYf931M1I", "release")
    assert PAIR.alike("G-CEBBFFEFAB", "G-32079103E5", "TRACKING_ID")
    assert not PAIR.alike("orders", "payments", "worker_id")


def test_lists_are_compared_as_sets() -> None:
    """Order and names do not matter, a missing item does."""
    assert PAIR.alike_lists(["b-staging", "a"], ["a", "b-prod"])
    assert PAIR.lonely(["a", "c"], ["a"]) == (["c"], [])
    assert not PAIR.alike_lists(["a", "a"], ["a"])


def test_memory_is_read_in_small_letters_too() -> None:
    """As Docker, Java and Fly spell it. To Kubernetes `512m` is next to nothing, so it is not taken for `512Mi`."""
    assert PAIR.alike("512mb", "512MB", "memory")
    assert PAIR.alike("1g", "1000m", "options.memory")
    assert not PAIR.alike("512m", "512Mi", "memory")
    assert PAIR.alike("60m", "1h", "max_age")


@pytest.mark.parametrize("key", ["created_on", "lastReviewed", "build_date"])
def test_the_days_on_which_something_happened_are_alike(key: str) -> None:
    """And so are times to the second, whatever they are called, which nobody writes by hand."""
    assert PAIR.alike("2026-06-30", "2026-07-29", key)
    assert PAIR.alike("2026-06-30T10:00:00Z", "2026-07-29T11:30:00Z", "stamp")


@pytest.mark.parametrize("key", ["compatibility_date", "api_version", "Version", "cutover", "", "valid_until"])
def test_a_day_that_somebody_chose_is_not_alike_another(key: str) -> None:
    """The date of a runtime, an API or a policy language is its version, as is any day that is not when something happened."""
    assert not PAIR.alike("2026-06-30", "2026-07-29", key)
    assert not PAIR.alike("2026-06-30T10:00:00Z", "2026-07-29T10:00:00Z", "expires_at")


def test_domains_of_the_environment_and_of_its_customers_are_alike() -> None:
    """Domains with nothing in common are each side's own; one that is missing beside its like is missing."""
    assert PAIR.alike_lists(["x.staging.shop.xyz"], ["a.example.org", "b.example.org"])
    assert PAIR.alike_lists(["staging"], ["www", "apex"])
    assert not PAIR.alike_lists(["api-staging.shop.org", "api-alt-staging.shop.org"], ["api.shop.org"])


def test_a_flag_that_asks_for_the_environment_may_differ() -> None:
    """`is-production` says false and true; `debug` does not ask."""
    assert PAIR.alike(False, True, "cloud.example.org/is-production")
    assert not PAIR.alike(True, False, "is-production")
    assert not PAIR.alike(False, True, "production_checks")
    assert PAIR.alike(False, True, "braintree.production")
    assert PAIR.alike(False, True, "RUNNING_IN_PROD")
    assert PAIR.alike(True, False, "isStagingEnvironment")
    assert not PAIR.alike(True, False, "RUNNING_IN_PROD")


@pytest.mark.parametrize(
    "key",
    ["SEND_PROD_INVOICE", "DebugProd", "use_staging_cache", "staging_variables_enabled", "log_to_prod", "prod_db"],
)
def test_a_switch_whose_name_holds_an_environments_name_is_a_switch(key: str) -> None:
    """It says what is on, not where: that it differs is told whichever side it is on."""
    assert not PAIR.alike(False, True, key)
    assert not PAIR.alike(True, False, key)


def test_a_word_for_a_stage_in_a_plan_is_part_of_the_plan() -> None:
    """`basic-sandbox` has other limits than `basic`; a plan that is called after the environment has not."""
    assert not PAIR.alike("basic-sandbox", "basic", "service_plan")
    assert PAIR.alike("basic-sandbox", "basic", "name")
    assert PAIR.alike("orders-staging", "orders-prod", "service_plan")


def test_names_of_things_hold_generated_parts_and_lost_delimiters() -> None:
    """A validation record is named by a digest, and `tvs-staging-aks` may be called `tvsprod_aks` elsewhere."""
    assert PAIR.same_name("_1d4b1f5476af8d39d1661df9e6d7e63e.staging", "_4543fa06c424e9f27d11f7fbcc365308.www")
    assert not PAIR.same_name("_1d4b1f5476af8d39d1661df9e6d7e63e.staging", "_4543fa06c424e9f27d11f7fbcc365308.assets")
    assert PAIR.same_name("tvsstagingaks", "tvsprod_aks")
    assert not PAIR.same_name("worker", "worker1")


def test_public_addresses_are_alike_only_where_their_key_names_the_environment() -> None:
    """An office address under `office-{env}` is the environment's; the same under another key is a difference."""
    assert PAIR.alike("20.49.246.49/32", "51.142.161.93/32", "office-{env}-1")
    assert not PAIR.alike("20.49.246.49/32", "51.142.161.93/32", "office")


def test_a_password_of_ones_own_inside_a_url_is_alike() -> None:
    """Whether it should be shared is asked elsewhere; that it differs is right."""
    left = "postgres://app:{secret:11111111111111111111111111111111}@db.staging.acme.test/app"
    right = "postgres://app:{secret:22222222222222222222222222222222}@db.prod.acme.test/app"
    assert PAIR.alike(left, right)
    assert not PAIR.alike(left, right.replace("/app", "/other"))


def test_names_made_of_private_networks_of_one_size_are_one_name() -> None:
    """Each environment has its own address plan; a public network, or one of another size, is another name."""
    assert PAIR.same_name("ingress/tcp/5432/10.20.0.0/16", "ingress/tcp/5432/10.40.0.0/16")
    assert not PAIR.same_name("ingress/tcp/5432/10.20.0.0/16", "ingress/tcp/5432/10.40.0.0/24")
    assert not PAIR.same_name("ingress/tcp/5432/10.20.0.0/16", "ingress/tcp/3306/10.40.0.0/16")
    assert not PAIR.same_name("ingress/tcp/443/52.94.0.0/16", "ingress/tcp/443/34.240.0.0/16")


def test_hosts_are_told_from_file_names() -> None:
    """`app.py` is a file, `app.example.com` a host."""
    assert hosts("see app.py at https://app.example.com:8443/x") == ("app.example.com",)
    assert is_host("https://app.example.com/")
    assert not is_host("app.py")


@given(
    st.lists(st.sampled_from(["orders", "api", "v2", "eu", "db", "main1"]), min_size=1, max_size=5), st.integers(0, 5)
)
def test_a_swapped_name_at_any_place_is_alike(parts: list[str], place: int) -> None:
    """Wherever the name stands between delimiters, swapping it changes nothing."""
    place = min(place, len(parts))
    left = "-".join([*parts[:place], "staging", *parts[place:]])
    right = "-".join([*parts[:place], "prod", *parts[place:]])
    assert PAIR.alike(left, right)


@given(
    st.text(alphabet="abcdefgh0123.-_/", min_size=1, max_size=20),
    st.text(alphabet="abcdefgh0123.-_/", min_size=1, max_size=20),
)
def test_texts_without_any_name_are_alike_only_when_equal(left: str, right: str) -> None:
    """With no name, id, address or version in it, only the same text is alike."""
    from auditor.values import canonical

    if canonical(left) != canonical(right) and not any(c.isdigit() for c in left + right):
        assert not PAIR.alike(left, right)


def test_what_staging_is_called_elsewhere_is_its_name_too() -> None:
    """`uat-orders` says whose it is, as much as `staging-orders`; `orders` does not."""
    assert PAIR.unqualified("orders", "prod-orders")
    assert not PAIR.unqualified("uat-orders", "prod-orders")
    assert STAGING.carried_by("orders-uat")
    assert not STAGING.carried_by("evaluator")
