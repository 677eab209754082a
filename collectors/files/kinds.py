"""The kinds that files yield, with what is known of their form."""

from __future__ import annotations

from auditor.model import Category, Kind
from collectors import _kubernetes_kinds
from collectors._ecs import TASK_DEFINITION

ENV, YAML, JSON, TOML = "env.file", "yaml.file", "json.file", "toml.file"
PROPERTIES, INI, XML, HCL = "properties.file", "ini.file", "xml.file", "hcl.file"
TERRAFORM_VARIABLES, TERRAFORM_CONFIGURATION = "terraform.variables", "terraform.configuration"
REPOSITORY = "files.repository"
KUBERNETES, COMPOSE = "kubernetes.*", "compose.*"

_ANY = ("**",)
# What a tool writes into a file for itself.
_TOOL_MADE = ("sops",)

_FILES = (
    Kind(ENV, Category.CONFIG, "Environment variables of a dotenv file", verbatim=_ANY, located=True),
    Kind(
        YAML,
        Category.CONFIG,
        "A YAML file, inherited values merged in",
        verbatim=_ANY,
        volatile=_TOOL_MADE,
        located=True,
    ),
    Kind(
        JSON,
        Category.CONFIG,
        "A JSON file, inherited values merged in",
        verbatim=_ANY,
        volatile=_TOOL_MADE,
        located=True,
    ),
    Kind(TOML, Category.CONFIG, "A TOML file, inherited values merged in", verbatim=_ANY, located=True),
    Kind(PROPERTIES, Category.CONFIG, "A Java properties file", verbatim=_ANY, located=True),
    Kind(INI, Category.CONFIG, "An INI file, by section", verbatim=_ANY, located=True),
    Kind(XML, Category.CONFIG, "An XML file, elements by their names", verbatim=_ANY, located=True),
    Kind(
        HCL,
        Category.CONFIG,
        "An HCL file that is not Terraform's: Terragrunt, Nomad, Packer",
        verbatim=_ANY,
        located=True,
    ),
    Kind(TERRAFORM_VARIABLES, Category.CONFIG, "Values of Terraform variables", verbatim=_ANY, located=True),
    Kind(
        TERRAFORM_CONFIGURATION,
        Category.CONFIG,
        "Terraform configuration: resources, modules, locals and providers by name",
        verbatim=_ANY,
        located=True,
    ),
)

_REPOSITORY = Kind(
    REPOSITORY,
    Category.CONFIG,
    "The git work tree that files were read from: its commit, and what is not as it was committed",
    volatile=("**",),
    references=("commit", "untracked", "modified"),
    compared=False,
)

_COMPOSE = (
    Kind(
        "compose.service",
        Category.DEPLOYMENT,
        "A Compose service with its files, inherited services and variables worked in",
        ordered=("command", "entrypoint", "healthcheck.test"),
        verbatim=("environment", "labels", "ports", "volumes", "build.args", "extra_hosts"),
    ),
    Kind("compose.volume", Category.STORAGE, "A named volume of a Compose file"),
    Kind("compose.network", Category.NETWORK, "A network of a Compose file"),
    Kind(
        "compose.secret", Category.CONFIG, "A secret of a Compose file, by where it is read from", secret=("content",)
    ),
    Kind("compose.config", Category.CONFIG, "A config of a Compose file, by where it is read from"),
)

KINDS: tuple[Kind, ...] = (*_FILES, _REPOSITORY, TASK_DEFINITION, *_COMPOSE, *_kubernetes_kinds.KINDS)

# What one reading lists: whatever of these it did not find is not there.
LISTED = (*(kind.name for kind in _FILES), TASK_DEFINITION.name, COMPOSE, KUBERNETES)
