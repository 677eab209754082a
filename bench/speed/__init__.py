"""How fast the product is, beside its floor and its peers: `python -m bench.speed`.

estate      an estate of any size, made anew alike each time; `shapes*` are its kinds
replay      a collector that reads what the estate answered
world       an installation in a folder of its own
child       each measurement in a process of its own
floors      what must be done at least, and what one would write without the product
audits      whole audits, comparing and judging
runs        all of one size
conditions  what one condition of a rule costs
elsewhere   what other benchmarks measure: the store, collecting, the engine, the start
targets     what was promised
tables      rows and targets for people; `report` writes them into a page
profiling   where the time goes
"""
