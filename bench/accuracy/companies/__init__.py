"""Generated companies: two environments each, drawn from a seed, with every planted drift labelled.

words     what services, databases and settings are called, chosen to set traps
naming    how a company calls things: schemes, tokens, domains, accounts, regions
estate    one environment as items that know what they are, whatever they are called
cloud_*   what runs and is kept in AWS, in the form in which the collector yields it
ondisk    what is kept in files; `writing` puts it on disk, in folders of the environment or side by side
tolerated what rightly differs between staging and production
drifts_*  what must be found, with the label that says where, and how grave it is at least
company   all of it put together
measure   audits a company with the product as it ships and lays the findings against the labels
"""
