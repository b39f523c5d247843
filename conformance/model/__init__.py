"""The reference model: what FreeSWITCH's loopback endpoint does with a scenario.

`call` reasons out the course of a call in time; each other file turns a course into the claims of
one concern: legs, targets, variables, bowout, cdr.
"""
