"""The clauses: the testable statements about the loopback endpoint, each with its source.

Levels: MUST is what the wiki promises and releases do, SHOULD what releases do and the wiki leaves
open, MAY what is racy or bound to a version. Areas are the five files of tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Level(StrEnum):
    """How firmly a clause stands."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Area(StrEnum):
    """What a clause is about; each area is one file of tests."""

    LEGS = "legs"
    TARGETS = "targets"
    BOWOUT = "bowout"
    EXPORTS = "exports"
    CDR = "cdr"


@dataclass(frozen=True, slots=True)
class Clause:
    """One testable statement: its stable name, level, area, statement and source."""

    name: str
    level: Level
    area: Area
    statement: str
    source: str


def _area(area: Area, *rows: tuple[str, Level, str, str]) -> tuple[Clause, ...]:
    return tuple(
        Clause(f"{area}.{name}", level, area, statement, source)
        for name, level, statement, source in rows
    )


MUST, SHOULD, MAY = Level.MUST, Level.SHOULD, Level.MAY

_LEGS = _area(
    Area.LEGS,
    (
        "pair-is-created",
        MUST,
        "Dialling loopback/ creates two legs, loopback-a (outbound) and loopback-b (inbound).",
        "wiki, CDR Handling; mod_loopback channel_outgoing_channel, channel_on_init",
    ),
    (
        "no-other-legs",
        MUST,
        "The call has the legs that its dialplans dial, and no others.",
        "wiki, CDR Handling",
    ),
    (
        "bridged-to-whom-it-dials",
        MUST,
        "A leg whose call is taken, early or answered, is bridged to it once; a bowout bridges the "
        "real legs once more.",
        "wiki, CDR Handling; facts 0",
    ),
    (
        "bridged-call-has-all-legs",
        MUST,
        "While loopback-b is being bridged, every leg of the call is there: four with one pair.",
        "wiki, loopback_bowout: during call setup there are always 4 legs",
    ),
    (
        "real-legs-stay-after-bowout",
        MUST,
        "Once the real legs are bridged to each other (0.1 s later among a hundred calls), only "
        "they are left of the call.",
        "wiki, loopback_bowout: true results in 2 legs",
    ),
    (
        "all-stay-without-bowout",
        MUST,
        "A call whose bowout is refused keeps its loopback legs until it ends.",
        "wiki, loopback_bowout: false results in 4 legs",
    ),
    (
        "named-after-target",
        SHOULD,
        "The legs are named loopback/<extension>-a and -b, cut at 127 bytes.",
        "facts 2.1; mod_loopback channel_on_init",
    ),
    (
        "refused-target-has-no-leg",
        SHOULD,
        "A target that refuses the call at once leaves no leg behind.",
        "facts 2.10; mod_loopback null_channel_outgoing_channel",
    ),
    (
        "all-gone-after-call",
        MUST,
        "After the call every leg of it is destroyed.",
        "facts 1: 1b0ec75568 (leaked lock), f6e076507e (leaked session)",
    ),
    (
        "answer-crosses",
        MUST,
        "loopback-a is answered when loopback-b is, and only then, once (loopback-b perhaps twice, "
        "by either thread of a bridge that began in early media).",
        "facts 2.9; history 0b0ce769f8, b0c518cbcd; measured",
    ),
    (
        "early-media-crosses",
        MUST,
        "Early media on loopback-b is early media on loopback-a.",
        "facts 2.9; history c423e2096c",
    ),
    (
        "ringing-crosses",
        MUST,
        "Ringing on loopback-b is ringing on loopback-a.",
        "facts 2.9; history 9d087d457e",
    ),
    (
        "cause-crosses",
        MUST,
        "When one loopback leg is hung up, the other leaves with the same cause, or as one whose "
        "bridge lost its media, if that came first.",
        "facts 2.9; mod_loopback channel_on_hangup, channel_kill_channel",
    ),
    (
        "cause-of-real-legs",
        SHOULD,
        "A real leg ends with its own cause, that of an unanswered peer, or NORMAL_CLEARING; a leg "
        "that answers while its caller goes may end with INCOMPATIBLE_DESTINATION.",
        "facts 2.9; issue signalwire/freeswitch#1028",
    ),
    (
        "caller-goes-on",
        SHOULD,
        "Behind the bridge the a-leg goes on with its dialplan, after a bowout too; with "
        "hangup_after_bridge it hangs up.",
        "facts 4 and 6 (the wiki demands loopback_bowout=false for it)",
    ),
    (
        "dtmf-crosses",
        SHOULD,
        "A digit sent to a leg of the call arrives at the real leg on the other side.",
        "facts 2.9; mod_loopback channel_send_dtmf",
    ),
)

_TARGETS = _area(
    Area.TARGETS,
    (
        "extension",
        MUST,
        "loopback-b is routed to the dialled extension.",
        "wiki, Usage; Examples, Registered Extension",
    ),
    (
        "empty-extension-is-service",
        SHOULD,
        "An empty target dials the extension `service`.",
        "facts 2.1 (wiki is silent)",
    ),
    (
        "context-inherited",
        MUST,
        "Without a context the originating channel's is used.",
        "wiki, Usage; Examples, Registered Extension",
    ),
    (
        "context-given",
        MUST,
        "A context in the target is the one in which loopback-b is routed.",
        "wiki, Examples, Extension With Context",
    ),
    (
        "dialplan-inherited",
        MUST,
        "Without a dialplan the originating channel's is used.",
        "wiki, Usage",
    ),
    (
        "dialplan-given",
        MUST,
        "A dialplan in the target is the one that routes loopback-b.",
        "wiki, Examples, Extension, Context, and Dialplan",
    ),
    (
        "empty-context-inherits",
        SHOULD,
        "An empty context before a dialplan is the inherited one.",
        "facts 2.1 (the wiki demands a context)",
    ),
    (
        "no-route",
        MUST,
        "A target that nothing routes ends every leg with NO_ROUTE_DESTINATION.",
        "facts 0",
    ),
    (
        "plan-runs-on-loopback-b",
        MUST,
        "The target's dialplan runs on loopback-b, each application once and in its order.",
        "wiki, CDR Handling; history e02992bc6c (executed twice)",
    ),
    (
        "inline-runs-on-loopback-b",
        MUST,
        "The applications of an inline target run on loopback-b, once and in their order.",
        "wiki, Examples, A-leg Inline Dialplan",
    ),
    (
        "inline-empties-destination",
        SHOULD,
        "An inline target leaves loopback-b without a destination, if nothing redirected the call.",
        "facts 2.1: the number becomes rdnis",
    ),
    (
        "application-runs-once",
        SHOULD,
        "loopback/app= runs pre_answer and the application on loopback-b, once, and no dialplan.",
        "facts 2.3; history 1cbd982a37, 64f58f2d67",
    ),
    (
        "application-argument",
        SHOULD,
        "The application gets what stands behind the first colon.",
        "facts 2.1",
    ),
    (
        "application-variables",
        SHOULD,
        "loopback_app and loopback_app_arg are set on both loopback legs.",
        "facts 2.3",
    ),
)

_BOWOUT = _area(
    Area.BOWOUT,
    (
        "after-both-legs-answered",
        MUST,
        "The loopback legs leave 2.0 s after both of them are bridged and answered (to 0.2 s, what "
        "the handling takes among a hundred calls).",
        "wiki, CDR Handling: after 1-2 seconds; facts 2.6: 100 frames of 20 ms; measured",
    ),
    (
        "sums-over-bridges",
        SHOULD,
        "The 2.0 s sum over successive bridges of loopback-b, and wait out a refusal.",
        "facts 2.6: the counter is never reset",
    ),
    (
        "acts-when-refusal-is-lifted",
        SHOULD,
        "A pair whose time has passed leaves as soon as its refusal is lifted.",
        "facts 2.3: loopback_bowout is read on every frame; history 888d98f907",
    ),
    (
        "legs-leave-together",
        MUST,
        "All legs that a bowout removes leave at once, in a chain too.",
        "facts 0; history ad7149bfa6",
    ),
    (
        "bridges-real-legs",
        MUST,
        "The bowout bridges the a-leg, as the caller, to the b-leg.",
        "wiki, About; facts 2.6; history 8afd200023",
    ),
    (
        "uuid-bridge-once",
        SHOULD,
        "A bowout bridges the real legs once: uuid_bridge is executed once on each (in a chain, "
        "where two pairs may be due at once, perhaps twice).",
        "facts 2.5 and 2.7; history 0a68bee88e (twice)",
    ),
    (
        "cause",
        SHOULD,
        "The legs that a bowout by bridge removes have the cause NORMAL_CLEARING, or that of a "
        "hangup that comes next in loopback-b's plan; a pair that a controlled one dialled has "
        "PICKED_OFF if it does not end first.",
        "facts 0 and 4: loopback-b may start its next application before it is hung up",
    ),
    (
        "controlled-cause",
        SHOULD,
        "With bowout-controlled-hangup the pair that bows out has bowout-hangup-cause.",
        "facts 2.4; mod_loopback channel_write_frame",
    ),
    (
        "direct-names-ends",
        SHOULD,
        "With fire-bowout-on-bridge each leg of the pair sends loopback::direct once, which names "
        "the real leg on its own side first.",
        "facts 2.5; history 2b2f11d699 (swapped)",
    ),
    (
        "marks-legs",
        SHOULD,
        "loopback_hangup_cause is `bridge` on the pair that bowed out.",
        "facts 2.3",
    ),
    (
        "names-real-legs",
        SHOULD,
        "loopback_bowout_other_uuid names the real leg on each loopback leg's own side.",
        "facts 2.3",
    ),
    (
        "no-event-by-default",
        SHOULD,
        "Without fire-bowout-on-bridge a bowout by bridge sends no event of the module's.",
        "facts 2.4 and 2.5",
    ),
    (
        "refused",
        MUST,
        "A value of loopback_bowout that is not true, on either loopback leg, keeps the pair.",
        "wiki, loopback_bowout; facts 2.3",
    ),
    (
        "not-refused-by-a-leg",
        SHOULD,
        "loopback_bowout on the a-leg alone, not exported, does not keep the pair.",
        "facts 0",
    ),
    (
        "not-while-application-runs",
        MUST,
        "As long as loopback-b runs an application and is not bridged, the pair stays.",
        "wiki, About: once it can connect two real channels; facts 2.6",
    ),
    (
        "not-before-answer",
        MUST,
        "As long as the loopback legs are not answered, the pair stays.",
        "facts 2.6; history 3c2699ec2a (bowout in early media)",
    ),
    (
        "not-without-audio",
        SHOULD,
        "As long as nobody sends loopback-a audio, the pair stays.",
        "facts 2.6: frames that a-leg writes are counted, and no comfort noise",
    ),
    (
        "not-early",
        MUST,
        "A call that ends sooner than 2.0 s after both legs are bridged has no bowout.",
        "wiki, CDR Handling; history 888d98f907 (on the first frame)",
    ),
    (
        "inner-refusal-keeps-inner-pair",
        SHOULD,
        "In a chain a pair that explicitly refuses stays, and the others bow out around it.",
        "facts 2.7; history 676419a261",
    ),
    (
        "execute-sends-event",
        SHOULD,
        "A bowout on execution sends loopback::bowout with the resigning, peer and acquired legs.",
        "facts 2.5; history e336ca8c37",
    ),
    (
        "execute-hands-over",
        SHOULD,
        "The acquired leg runs the extension that the loopback leg would have run.",
        "facts 2.8; history c3de185b22",
    ),
    (
        "execute-cause",
        SHOULD,
        "Legs that leave on execution end with bowout-hangup-cause (or NORMAL_UNSPECIFIED), "
        "NORMAL_CLEARING, or ORIGINATOR_CANCEL where the acquired leg still dials.",
        "facts 0 and 2.8",
    ),
    (
        "execute-waits-for-media",
        MAY,
        "On loopback-b it takes 5 s or more, for an a-leg that still dials never exchanges media.",
        "facts 2.8; history 94b1b6218c",
    ),
    (
        "execute-marks-acquired",
        SHOULD,
        "The acquired leg carries loopback_hangup_cause=bowout and the leaving leg's loopback_leg.",
        "facts 0 and 2.8",
    ),
)

_EXPORTS = _area(
    Area.EXPORTS,
    (
        "braces-reach-both-legs",
        SHOULD,
        "Variables in the {} of the dial string are on loopback-a and loopback-b, unchanged.",
        "facts 2.2",
    ),
    (
        "brackets-reach-both-legs",
        SHOULD,
        "Variables in the [] of the dial string are on loopback-a and loopback-b, unchanged.",
        "facts 2.2",
    ),
    (
        "braces-against-brackets",
        SHOULD,
        "Of a name in both, loopback-a has the value in {} and loopback-b that in [].",
        "facts 0 and 2.2",
    ),
    (
        "local-var-clobber",
        SHOULD,
        "With local_var_clobber=true both legs have the value in [].",
        "facts 0 and 2.2",
    ),
    (
        "exported-reach-pair",
        MUST,
        "Variables that the originating channel exports are on both loopback legs.",
        "wiki, CDR Handling: exported vars stay; facts 2.2",
    ),
    (
        "exported-reach-b-leg",
        MUST,
        "Variables that the a-leg exports are on the b-leg, however many pairs lie between.",
        "wiki, CDR Handling: the exported vars to #4 properly stay there",
    ),
    (
        "set-stays-on-a-leg",
        SHOULD,
        "Variables that are only set on the a-leg are not on the loopback legs.",
        "facts 2.2; history 19f441c6f4 (all were copied)",
    ),
    (
        "dial-string-stays-on-pair",
        SHOULD,
        "Variables of the dial string are not on the b-leg unless loopback-b exports them.",
        "facts 2.2",
    ),
    (
        "loopback-export-hands-over",
        MUST,
        "Variables that loopback_export lists on loopback-a come to loopback-b with a's value.",
        "wiki, loopback_export; facts 2.2",
    ),
    (
        "loopback-export-needs-loopback-a",
        SHOULD,
        "loopback_export on the a-leg alone hands nothing over.",
        "facts 0",
    ),
    (
        "loopback-leg",
        MUST,
        "loopback_leg is A on loopback-a and B on loopback-b from their creation.",
        "wiki, loopback_leg; facts 2.3; history 26be5929ba (swapped)",
    ),
    (
        "other-loopback-leg",
        MUST,
        "other_loopback_leg_uuid names the other leg of the pair from the leg's creation.",
        "wiki, other_loopback_leg_uuid; history 03a72a5ef4",
    ),
    (
        "from-uuid",
        SHOULD,
        "loopback_from_uuid on loopback-a is the channel that dialled it, absent without one.",
        "facts 2.3; history 7fd7ea9a5d",
    ),
    (
        "other-from-uuid",
        SHOULD,
        "other_loopback_from_uuid on loopback-b is the channel that dialled the pair.",
        "facts 2.3; history 7fd7ea9a5d",
    ),
    (
        "true-id",
        SHOULD,
        "other_leg_true_id on a leg that is bridged to loopback-b is who dialled the pair.",
        "facts 2.3; history 7fd7ea9a5d",
    ),
    (
        "is-loopback-at-the-end",
        MUST,
        "is_loopback is 1 on both loopback legs at CHANNEL_HANGUP_COMPLETE.",
        "wiki, is_loopback",
    ),
    (
        "is-loopback-not-before",
        MUST,
        "is_loopback is not there before the leg has ended.",
        "wiki, is_loopback: only after the channel has ended",
    ),
    (
        "is-loopback-not-on-real-legs",
        MUST,
        "is_loopback is never on a leg that is no loopback.",
        "wiki, is_loopback: distinguishes loopback from real channels",
    ),
)

_CDR = _area(
    Area.CDR,
    (
        "one-for-each-leg",
        MUST,
        "Each leg has one CDR of each module, the loopback legs too.",
        "wiki, CDR Handling; history 7f3c160793 (none for loopback legs)",
    ),
    (
        "none-if-unwanted",
        SHOULD,
        "A leg whose process_cdr is not true has no CDR; with a_only none if it was dialled by a "
        "channel, with b_only none if it dialled one.",
        "facts 4: process_cdr",
    ),
    (
        "well-formed",
        SHOULD,
        "The CDR can be read, unless an application had `<` or `&` in its data, which mod_xml_cdr "
        "does not always escape.",
        "measured on 1.10.12 and 1.11.2",
    ),
    (
        "hangup-cause",
        MUST,
        "The CDR's hangup cause is the one with which the leg was hung up.",
        "wiki, CDR Handling",
    ),
    (
        "billsec",
        MUST,
        "billsec is the seconds from answer to end, each cut to the whole; 0 without an answer.",
        "facts 4; measured: both times are cut before they are subtracted",
    ),
    (
        "duration",
        MUST,
        "duration is the seconds from creation to end, each cut to the whole.",
        "facts 4; measured: both times are cut before they are subtracted",
    ),
    (
        "exact-duration",
        SHOULD,
        "uduration and billusec are the times between the events, to 0.15 s.",
        "facts 0; measured: a leg's events may be sent up to 0.10 s after its stamps",
    ),
    (
        "billsec-after-bowout",
        MUST,
        "Loopback legs that bow out have about 2 s of billsec where the b-leg's answer began it, "
        "unless loopback-b's thread is caught in its bridge until the call ends.",
        "wiki, CDR Handling: with a billsec of about 2 seconds; measured",
    ),
    (
        "is-loopback",
        MUST,
        "is_loopback is 1 in the CDRs of the loopback legs, and in no others.",
        "wiki, is_loopback: useful for processing CDRs",
    ),
    (
        "loopback-leg",
        MUST,
        "The CDRs of the loopback legs hold their loopback_leg.",
        "wiki, loopback_leg",
    ),
    (
        "other-loopback-leg",
        MUST,
        "The CDRs of the loopback legs name each other.",
        "wiki, other_loopback_leg_uuid",
    ),
    (
        "bridge-uuid",
        MUST,
        "bridge_uuid is the leg to which this one was last bridged: after a bowout the real one.",
        "facts 4",
    ),
    (
        "destination",
        SHOULD,
        "The first call flow of a loopback leg's CDR has the dialled extension.",
        "facts 4",
    ),
)

CLAUSES: Mapping[str, Clause] = MappingProxyType(
    {clause.name: clause for clause in (*_LEGS, *_TARGETS, *_BOWOUT, *_EXPORTS, *_CDR)}
)
"""Every clause by name, in the order of the areas."""
