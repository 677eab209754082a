"""Collection beyond one machine: a run hands the parts of its sources to `audit worker` processes on any number of hosts.

place      where their queue and results are: a schema of its own beside the store's tables, on PostgreSQL
orders     what is asked of a worker and what it answers, as they travel
handing    the side that asks: behind `collect_all`, in the place of threads
reader     the side that reads: the same jobs, in the same pool, as without workers
engine     the queue between the two, which is Procrastinate's: redelivery, retries, giving back
limits     budgets of requests that all workers share
process    one `audit worker`, from its start to its end
"""
