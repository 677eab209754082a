"""ACM: certificates by domain. When one expires is no drift: it is kept beside what is compared, for whoever asks."""

from __future__ import annotations

from typing import Any

from auditor.model import Category, Json
from collectors.aws.base import AwsKind, Detail

# Without these the listing shows RSA keys of up to 2048 bits only.
_KEY_TYPES = ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]


def _described(answer: dict[str, Any]) -> Json:
    """How the certificate is issued and renewed; which names, by how many and whether one is a wildcard."""
    options = answer.get("options") or {}
    names = answer.get("subject_alternative_names") or [answer["domain_name"]]
    methods = {each.get("validation_method") for each in answer.get("domain_validation_options") or ()}
    return {
        "validation_methods": sorted(method for method in methods if method),
        "transparency_logging": options.get("certificate_transparency_logging_preference"),
        "exportable": options.get("export") == "ENABLED",
        "renewal_failed": (answer.get("renewal_summary") or {}).get("renewal_status") == "FAILED",
        "names": len(names),
        "wildcard": any(str(name).startswith("*.") for name in names),
    }


def _renewed(attributes: dict[str, Json]) -> dict[str, Json]:
    """AWS renews what it issued once it is used; so what is not used says nothing of its renewal."""
    eligible = attributes.pop("renewal_eligibility", None)
    by_hand = attributes.get("type") == "IMPORTED" or (eligible == "INELIGIBLE" and bool(attributes.get("in_use")))
    attributes["renewal"] = "by hand" if by_hand else "automatic"
    return attributes


KINDS = (
    AwsKind(
        name="aws.acm.certificate",
        category=Category.SECURITY,
        about="TLS certificates: key algorithm, type, validation, renewal, number of names",
        cloudformation="AWS::CertificateManager::Certificate",
        service="acm",
        operation="ListCertificates",
        result="CertificateSummaryList",
        arguments={"Includes": {"keyTypes": _KEY_TYPES}},
        identity="DomainName",
        references=("certificate_key_pair_origin",),
        location="CertificateArn",
        volatile=("not_after", "not_before"),
        drop=(
            "certificate_arn",
            "domain_name",
            "subject_alternative_name_summaries",
            "has_additional_subject_alternative_names",
            "exported",
            "export_option",
            "created_at",
            "issued_at",
            "imported_at",
            "revoked_at",
        ),
        details=(
            Detail(
                attribute="issued",
                operation="DescribeCertificate",
                arguments={"CertificateArn": "CertificateArn"},
                result="Certificate",
                transform=_described,
            ),
            Detail(
                attribute="tags",
                operation="ListTagsForCertificate",
                arguments={"CertificateArn": "CertificateArn"},
                result="Tags",
            ),
        ),
        transform=_renewed,
    ),
)
