"""A long run in minutes: the service against a world that changes, while everything around it fails at random.

world       what is audited: settings in a stand-in of AWS, files, version endpoints; and what truly differs in it
database    the store's PostgreSQL, which can be stopped, killed and frozen
daemons     the service as it is installed, started, watched and killed
trouble     which fault comes when, drawn from a seed
verify      what must hold afterwards, read from the store and from what the far sides were told
"""
