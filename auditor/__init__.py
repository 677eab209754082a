"""Parity Auditor. The stages of a run, in order; `pipeline.py` is the whole run on one page.

config      what to read and what to compare: auditor.yaml
collect     run an environment's collectors side by side; errors become gaps
redact      replace what is or may be secret by a keyed fingerprint
lay         what is told twice or elsewhere is set aside before it is compared (`read_twice`: one account by two sources;
            `declared`: copies in a state; `equivalents`: a laptop's services and what they stand for)
snapshot    resources -> normal forms: one structure, one spelling, references resolved
match       pair the resources of two environments; what stays alone (`names`, `alike`: what is only a name)
compare     matches -> differences (the only importer of deepdiff)
policy      load, validate and explain the rules
judge       differences + gaps + policy -> breaches; causes, score and coverage with them
life        breaches + history -> findings and their events
waivers     what people tolerate, and until when (`waiver_file`: the reviewed file; `acts`: what people do by hand)
notify      what changed -> whom to tell what (`happenings`, `audiences`, `topics`, `quiet`)
gate        an audit -> may this promotion go ahead (`scope`: what a service depends on; `gating`: which audit answers)
readiness   an audit and the past -> the checklist of a design review, each answer with its evidence
store       snapshots, findings, audits and the outbox, kept (the only user of a Session)
deliver     the outbox -> each far side, once
publish     how it is said: reports, metrics, Slack, webhook, Alertmanager

`doctor` says what each source lets us read; `contract` checks what any collector promises; `rollout` is which version is where.
`kept` are the maps of what was worked out before, by content: `redacted`, `forms`, `naming`, `settled`, and what `compare` and
`idiom` keep. `workers` read on other hosts what `collect` would read here.
`sharing` lets runs that want the same share it; `daemon` runs it all day; `web` is what the service answers.
"""

__version__ = "0.1.0"
