"""How long things take, in seconds, and how far threads may be apart: from the source, or measured.

What varies from one course of a call to another is in its `Pace`.
"""

NOTICED = 0.02
"""How often (seconds) a waiting `null/` leg looks about it, and who dials whether it is there."""

NOTICED_AT_MOST = 0.06
"""How late (seconds) who looks sees it on a loaded host."""

BEHIND = 0.02
"""How much later (seconds) a stimulus takes effect that others overtake."""

CREATED_AFTER = 0.004
"""How long (seconds) it takes to create the leg that is dialled."""

KNOWN_AFTER = 0.02
"""How long (seconds) after it dials a leg a channel may not yet count it as its partner."""

JUST_NOW = 0.02
"""How long (seconds) a leg or a bridge was made only now: the leg's thread reads once in 20 ms."""

BORN_AFTER = 0.04
"""How long (seconds) after its creation a leg may be hung up before its thread begins."""

READ_AFTER = 0.01
"""How long (seconds) after it is bridged a leg reads a frame, of which one comes every 20 ms."""

AHEAD = 0.05
"""By how much (seconds) one pair of a chain may be ahead of the others with its bowout."""

REBRIDGED = 0.15
"""How long (seconds) it takes at most until a bowout's new bridge stands: 0.06 s when idle."""

OVERTAKEN = 0.03
"""How long (seconds) a second pair of a chain may be behind the first with the same bowout."""

ALONE_AFTER = 0.1
"""How long (seconds) it takes who consults to see that it is alone: 0 to 0.10 s measured."""

UNNOTICED = 0.04
"""For how long (seconds) a leg may not see that its bridge is over: it looks every 20 ms."""

ORPHANED = 2.9
"""For how long (seconds) who was consulted stays parked alone: 2.4 to 3.0 measured."""

ORPHANED_AT_MOST = 3.0
"""The longest of it (seconds)."""
