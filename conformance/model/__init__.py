"""The reference model: what FreeSWITCH's loopback endpoint does with a scenario.

`call` reasons out the course of a call in time. It moves the legs of `live`, asks `chain` who is
behind whom and `counter` when a bowout is due, and takes its times from `durations`. What comes of
it is in `course`. `predict` gives all courses that are legal, as claims: each file of its
`_CONCERNS` turns a course into those of one concern.
"""
