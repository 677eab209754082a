"""Terraform's variable and configuration files."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from collectors.files import terraform
from collectors.files.text import Malformed
from tests.collectors.files.reader import read

if TYPE_CHECKING:
    from pathlib import Path

VARIABLES = """
# sizes
count       = 3
ratio       = 0.5
negative    = -1
big         = 1e3
enabled     = true
nothing     = null
name        = "orders \\"api\\"\\n${var.x}" // trailing
list        = ["a", "b",]
map         = { Name = "x", "a key" = 1, nested = { deep = false } }
objects     = [{ from = 80 }, { from = 443 }]
notice      = <<-EOT
    Contact: ops
      indented
  EOT
raw         = <<EOT
  kept
EOT
"""

CONFIGURATION = """
terraform {
  required_version = ">= 1.5"
  backend "s3" { bucket = "state" }
}
provider "aws" { region = "eu-west-1" }
provider "aws" {
  alias  = "us"
  region = "us-east-1"
}
locals { env = "staging" }
locals { app = "orders" }
resource "aws_db_instance" "main" {
  engine_version = "16.1"
  tags           = { Name = "${local.app}-db" }
  lifecycle { prevent_destroy = false } # allowed
}
module "redis" {
  source = "github.com/acme/redis?ref=v2.4.0"
  size   = var.big ? "large" : local.size
}
resource "aws_security_group" "web" {
  ingress { from_port = 80 }
  ingress { from_port = 443 }
}
"""


def test_variables_keep_their_types(tmp_path: Path) -> None:
    """Numbers, booleans, null, lists, maps, heredocs; texts without quotes and escapes."""
    found = read(tmp_path, {"main.tfvars": VARIABLES})
    assert found.one("terraform.variables", "main.tfvars") == {
        "count": 3,
        "ratio": 0.5,
        "negative": -1,
        "big": 1000.0,
        "enabled": True,
        "nothing": None,
        "name": 'orders "api"\n${var.x}',
        "list": ["a", "b"],
        "map": {"Name": "x", "a key": 1, "nested": {"deep": False}},
        "objects": [{"from": 80}, {"from": 443}],
        "notice": "Contact: ops\n  indented\n",
        "raw": "  kept\n",
    }


def test_variables_in_json_are_the_same_kind(tmp_path: Path) -> None:
    """A `.tfvars.json` holds variables, not any JSON."""
    found = read(tmp_path, {"env/a.tfvars.json": '{"count": 3, "list": ["a"]}'})
    assert found.one("terraform.variables", "env/a.tfvars.json") == {"count": 3, "list": ["a"]}


def test_configuration_is_read_by_name(tmp_path: Path) -> None:
    """Blocks are maps by their labels, locals are one map, expressions stay text, comments go."""
    body = read(tmp_path, {"main.tf": CONFIGURATION}).one("terraform.configuration", "main.tf")
    assert body["terraform"] == {"required_version": ">= 1.5", "backend": {"s3": {"bucket": "state"}}}
    assert body["provider"] == {"aws": {"region": "eu-west-1"}, "aws.us": {"alias": "us", "region": "us-east-1"}}
    assert body["locals"] == {"env": "staging", "app": "orders"}
    assert body["resource"]["aws_db_instance"]["main"] == {
        "engine_version": "16.1",
        "tags": {"Name": "${local.app}-db"},
        "lifecycle": {"prevent_destroy": False},
    }
    assert body["module"]["redis"]["source"] == "github.com/acme/redis?ref=v2.4.0"
    assert body["module"]["redis"]["size"] == '${var.big ? "large" : local.size}'
    assert body["resource"]["aws_security_group"]["web"] == {"ingress": [{"from_port": 80}, {"from_port": 443}]}


def test_an_empty_file_says_nothing_and_is_no_error() -> None:
    """A `.tfvars` of comments is a file without variables."""
    assert terraform.document("\n") == {}
    assert terraform.document("# nothing yet\n") == {}


@pytest.mark.parametrize(("text", "line"), [('a = 1\nb = "open\n', 2), ("a = 1\nb = \n", 2), ("x = 'single'\n", 1)])
def test_what_is_not_terraform_is_told_by_line(text: str, line: int) -> None:
    """The place is told; the text is not."""
    with pytest.raises(Malformed) as caught:
        terraform.document(text)
    assert caught.value.line == line


def test_files_that_are_read_side_by_side_keep_their_texts_apart() -> None:
    """Both environments are collected at once, and the parser of one file must not tell the other where it is."""
    text = "".join(f'resource "a" "r{n}" {{\n  name = "x-${{var.name}}"\n  space = data.s.id\n}}\n' for n in range(20))
    alone = terraform.document(text)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            assert all(found == alone for found in threads.map(terraform.document, [text] * 24))
    finally:
        sys.setswitchinterval(interval)
