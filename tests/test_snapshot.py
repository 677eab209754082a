"""Normal forms: one structure and one spelling, references resolved."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from auditor.model import Category, Kind, Resource
from auditor.names import environment_names
from auditor.snapshot import normalise

STAGING = environment_names("staging", (), {"prod": ()}).at(["111111111111"], ["eu-west-1"])
PROD = environment_names("prod", (), {"staging": ()}).at(["222222222222"], ["us-east-1"])
KIND = Kind(
    "test.thing",
    Category.CONFIG,
    "a thing",
    keyed={"rules": "protocol+port"},
    ordered=("steps",),
    volatile=("created_at", "items.*.seen"),
)


def kind_of(name: str) -> Kind:
    return KIND if name == KIND.name else Kind(name, Category.CONFIG, name)


def form_of(attributes: dict[str, object], **more: object) -> Mapping[str, object]:
    resource = Resource(KIND.name, "thing", attributes, **more)  # type: ignore[arg-type]
    return normalise([resource], kind_of, STAGING)[0].form


def test_lists_of_objects_become_maps_by_their_declared_key() -> None:
    """A declared compound key names each item."""
    form = form_of(
        {"rules": [{"protocol": "tcp", "port": 443, "from": "x"}, {"protocol": "tcp", "port": 80, "from": "y"}]}
    )
    assert set(form["rules"]) == {"tcp/443", "tcp/80"}  # type: ignore[call-overload]


def test_lists_of_objects_become_maps_by_the_attribute_that_tells_them_apart() -> None:
    """Without a declaration the first candidate that is different in every item is the key, and leaves the item."""
    assert form_of({"ports": [{"name": "A", "port": "1"}, {"name": "B", "port": "2"}]})["ports"] == {
        "A": {"port": 1},
        "B": {"port": 2},
    }


def test_a_list_of_names_and_values_is_a_map() -> None:
    """Rules find LOG_LEVEL by its name, however a format spells variables; where a value comes from stays said."""
    origin = {"secretKeyRef": {"name": "db", "key": "url"}}
    variables = [{"name": "LOG_LEVEL", "value": "info"}, {"name": "DB", "valueFrom": origin}]
    assert form_of({"env": variables})["env"] == {"LOG_LEVEL": "info", "DB": {"valueFrom": origin}}


def test_lists_without_order_are_sorted_and_others_keep_it() -> None:
    """Only a declared order, or a command line, has a meaning."""
    form = form_of({"zones": ["b", "a"], "steps": ["b", "a"], "command": ["z", "a"]})
    assert form == {"zones": ["a", "b"], "steps": ["b", "a"], "command": ["z", "a"]}


def test_volatile_attributes_fall_out() -> None:
    """What is declared volatile is not part of the normal form."""
    assert form_of({"created_at": "now", "items": [{"name": "a", "seen": 1, "size": 2}]}) == {
        "items": {"a": {"size": 2}}
    }


def test_ids_that_point_to_another_resource_say_which_one() -> None:
    """A handle of another resource of the snapshot becomes its kind and identity, whole or inside a text."""
    group = Resource("aws.ec2.security_group", "web-staging", {}, refs=("sg-0ab1c2d3",))
    database = Resource("aws.rds.instance", "orders", {}, refs=("orders.x.eu-west-1.rds.amazonaws.com",))
    thing = Resource(
        KIND.name,
        "t",
        {"groups": ["sg-0ab1c2d3"], "url": "pg://orders.x.eu-west-1.rds.amazonaws.com/db", "id": "sg-0ffffff1"},
    )
    form = normalise([group, database, thing], kind_of, STAGING)[2].form
    assert form["groups"] == ["aws.ec2.security_group/web-staging"]
    assert form["url"] == "pg://aws.rds.instance/orders/db"
    assert form["id"] == "sg-0ffffff1"


def test_documents_inside_text_are_read() -> None:
    """A JSON document in a string is compared by its content, not as text."""
    assert form_of({"policy": '{"b": 1, "a": ["y", "x"]}'}) == {"policy": {"b": 1, "a": ["x", "y"]}}


def test_null_stays_null_and_absent_stays_absent() -> None:
    """A key with a null value is kept."""
    assert form_of({"a": None}) == {"a": None}


def test_values_have_one_spelling_and_the_source_spelling_is_kept_beside_it() -> None:
    """`form` is for comparing, `raw` for showing; both have one shape."""
    normal = normalise([Resource(KIND.name, "t", {"memory": "1.5Gi", "on": "true"})], kind_of, STAGING)[0]
    assert normal.form == {"memory": 1610612736, "on": True}
    assert normal.raw == {"memory": "1.5Gi", "on": "true"}


def test_two_environments_that_differ_in_names_only_have_equal_digests() -> None:
    """Environment names, accounts and regions are set aside in the digest, in keys and values."""

    def of(env: str, account: str, region: str) -> Resource:
        arn = f"arn:aws:sqs:{region}:{account}:orders-{env}"
        return Resource(KIND.name, f"t-{env}", {"queue": arn, f"{env.upper()}_URL": f"https://{env}.example.com/"})

    left = normalise([of("staging", "111111111111", "eu-west-1")], kind_of, STAGING)[0]
    right = normalise([of("prod", "222222222222", "us-east-1")], kind_of, PROD)[0]
    assert left.digest == right.digest
    assert left.identity == right.identity == "t-{env}"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "b", "1Gi", "x-staging", "true"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)


def reversed_lists(value: object) -> object:
    if isinstance(value, list):
        return [reversed_lists(item) for item in reversed(value)]
    if isinstance(value, dict):
        return {key: reversed_lists(below) for key, below in reversed(list(value.items()))}
    return value


@given(st.dictionaries(st.sampled_from("abcd"), json_values, max_size=4))
def test_the_order_of_lists_and_keys_never_changes_the_digest(document: dict[str, object]) -> None:
    """Any document and the same one backwards have one digest."""
    turned = reversed_lists(document)
    assert isinstance(turned, dict)
    digests = {normalise([Resource("x", "t", doc)], kind_of, STAGING)[0].digest for doc in (document, turned)}
    assert len(digests) == 1
