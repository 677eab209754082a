"""Parity Auditor. The stages of a run, in order; `pipeline.py` is the whole run on one page.

config      what to read and what to compare: auditor.yaml
collect     run an environment's collectors side by side; errors become gaps
redact      replace what is or may be secret by a keyed fingerprint
snapshot    resources -> normal forms: one structure, one spelling, references resolved
match       pair the resources of two environments; what stays alone (`names`, `alike`: what is only a name)
compare     matches -> differences (the only importer of deepdiff)
policy      load, validate and explain the rules
judge       differences + gaps + policy -> breaches; causes, score and coverage with them
life        breaches + history -> findings and their events
waivers     what people tolerate, and until when (`waiver_file`: the reviewed file; `acts`: what people do by hand)
store       snapshots, findings and audits, kept (the only user of a Session)
publish     tell someone: reports
"""

__version__ = "0.1.0"
