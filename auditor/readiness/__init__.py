"""Is an environment ready? Section by section of a design review's checklist, each answer with what it rests on.

model       a question, its answer, the evidence
facts       what the answers are made from: one audit, the two snapshots it judged, the history, the clock
mirror      does it mirror production: infrastructure, configuration
secrecy     secrets of its own, from a secret store
datasafety  no data of real people
versioned   configuration under version control
promoted    what was tested is what is promoted
production  monitoring, alerting, backup, a way back
presence    reachable, and audited lately
checklist   all of them in order, and what the whole comes to
gather      the facts of a configured environment

Everything but `gather` is pure. No answer is `yes` because nothing was seen.
"""
