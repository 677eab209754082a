"""The service: what runs all day. `serve.py` puts it together.

serve       the parts, started and stopped in order (`signals`, `systemd`: what the outside asks and is told)
leader      which copy leads; the others answer and wait
jobs        the schedule (`planned`: what is due, `trigger`: when, `work`: what is done then, `runs`: what is asked for)
reload      files -> what is in force (`loaded`: all of it as one value, `secrets`: what of it the log may never say)
delivery    the outbox's loop with the configured `publishers`; `alerts` repeats what is open; `clicks` takes Slack's
probe       whether the store can be worked with
scrape      what is answered to Prometheus
loop        a thread that does one thing over and over
"""
