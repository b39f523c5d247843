"""What cannot be observed: statements about the endpoint that no clause can hold, and why.

The suite sees what the Event Socket and the CDRs tell, of calls whose real legs are `null/` legs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotObservable:
    """A statement, its source, and the reason why it cannot be observed from outside."""

    statement: str
    source: str
    reason: str


NOT_OBSERVABLE: tuple[NotObservable, ...] = (
    NotObservable(
        "The endpoint is for very limited use cases, and CDRs may not show what is looked for.",
        "wiki, About and Precautions",
        "Advice; it says nothing of a call that could be true or false.",
    ),
    NotObservable(
        "Proxy media and T.38 pass-through are not supported; proxy media is cleared on the a-leg.",
        "wiki, Precautions; facts 2.3 and 6",
        "It takes real legs with SDP (SIP); that the flag is cleared is told nowhere.",
    ),
    NotObservable(
        "Media does not bypass the switch after a bridge next to a loopback leg.",
        "facts 6",
        "It takes real legs with RTP; the refusal is a warning in the log.",
    ),
    NotObservable(
        "switch_r_sdp comes to loopback-a and not to loopback-b.",
        "facts 2.2",
        "A null/ leg has no SDP to hand on.",
    ),
    NotObservable(
        "loopback-a is first named after the whole target.",
        "facts 2.1",
        "It has its own name before its first event; only the log has the other.",
    ),
    NotObservable(
        "CHANNEL_CREATE of loopback-a and loopback-b come in either order.",
        "facts 2.5",
        "Both orders are legal: there is nothing that a switch could do wrong.",
    ),
    NotObservable(
        "The conditions of a bowout are looked at in a certain order.",
        "facts 2.6",
        "Only all of them together have an effect.",
    ),
    NotObservable(
        "Messages set and clear the module's flags BRIDGE and BOWOUT, and CF_INTERCEPTED.",
        "facts 2.4, 2.6 and 2.8",
        "They are in no event; what they bring about is what the clauses about bowout hold.",
    ),
    NotObservable(
        "The count of frames begins anew where the codec of a frame is not the leg's.",
        "facts 2.6",
        "It takes codecs that pass through; what null/ legs send is always transcoded.",
    ),
    NotObservable(
        "Comfort noise from the a-leg is not counted, unless bridge_generate_comfort_noise makes "
        "audio of it.",
        "facts 2.6",
        "The noise of a null/ leg is audio, never flagged as comfort noise.",
    ),
    NotObservable(
        "The walk to the real end of a chain waits until each leg of it is routed.",
        "facts 2.7",
        "A wait inside one thread; only its deadlock shows, in legs.all-gone-after-call.",
    ),
    NotObservable(
        "Mutexes and read locks keep the threads of a pair apart, and a leg that has gone is not "
        "touched.",
        "facts 2.8 and 2.9",
        "They show only where they fail: as legs that stay (legs.all-gone-after-call), or as the "
        "end of the switch.",
    ),
    NotObservable(
        "ignore-channel-ready lets a leg read on although its channel is not ready.",
        "facts 2.4",
        "Such a leg is about to end; a frame more changes no event and no CDR.",
    ),
    NotObservable(
        "The parameter debug has no effect.",
        "facts 2.4",
        "The module never reads it, and what it was meant to do is not known.",
    ),
    NotObservable(
        "A recording that a bowout moves to a real leg has no gap and keeps its settings.",
        "facts 2.4",
        "That is in the file; events tell only when a recording starts and stops.",
    ),
    NotObservable(
        "null/ legs read low noise and drop what is written to them.",
        "facts 2.10",
        "The Event Socket carries no audio.",
    ),
    NotObservable(
        "After a bowout the hold times of the real legs are lost.",
        "facts 4",
        "An endpoint that knows hold (SIP) has to mark it; null/ does not.",
    ),
    NotObservable(
        "A leg that is given up before it begins has no CDR.",
        "facts 4",
        "Such a leg cannot be made from outside, and sends no event.",
    ),
    NotObservable(
        "bridge_hangup_cause of a b-leg that a bowout took over is loopback-b's or its own.",
        "facts 4",
        "It hangs on which thread is first: whatever comes is legal.",
    ),
)
"""By section of the source, the wiki first."""
