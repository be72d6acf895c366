"""Fails the program at its Nth durable step, N = 1, 2, ... until a run completes, and looks at what is left each time.

steps      what is counted, and how it fails; works from outside, in the process that runs the command
launcher   a process that has everything imported and forks one that runs a command
world      a PostgreSQL of our own, and prepared homes and databases that are copied for each run
scenarios  what is run
sweep      runs, breaks, looks, runs again, compares
report     the table that `make faults` prints and records
"""
