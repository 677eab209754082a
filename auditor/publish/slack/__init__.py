"""Slack: what is posted there, how it gets there exactly once, and what its buttons do.

blocks         Block Kit, as far as it is used, within Slack's limits
entries        a finding in a message; `parent`, `reply` and `digest` are whole messages made of them
controls       buttons, and what a click on one carries
publisher      hands notices to Slack through `api`
interactions   what a click does; clicks come in by `socket` or, signed (`signature`), over HTTP
"""
